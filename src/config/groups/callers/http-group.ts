import * as z from 'zod'
import {
  baseUrl,
  groupMeta,
  listSetting,
  optionalNumberSetting,
  settingMeta,
  wholeNumberSetting,
} from '../../setting.ts'
import type { AuthSettings } from './auth-group.ts'

export const httpGroup = z
  .object({
    host: z.string().default('127.0.0.1').register(settingMeta, {
      description:
        'Address to listen on. Child processes allow loopback only; Kubernetes allows others with API_TOKENS or ALLOW_UNAUTHENTICATED=1.',
    }),
    port: wholeNumberSetting(0, 65535, 8888).register(settingMeta, {
      description: 'Port to listen on; 0 takes any free one.',
    }),
    probePort: optionalNumberSetting(0, 65535).register(settingMeta, {
      description:
        'Second port, for `/health` and `/metrics` alone. It answers however many connections the first port has. 0 takes any free one.',
    }),
    publicUrl: baseUrl.optional().register(settingMeta, {
      description: 'Address of this API as callers reach it; with it, links in answers are absolute.',
    }),
    allowedHosts: listSetting.prefault('').register(settingMeta, {
      form: 'commas',
      default: 'none',
      description:
        'Further names under which callers reach this API, separated by commas; `*.example.org` is every name below it, `*` every name. See [Names of the API](http.md#names-of-the-api).',
    }),
    waitMaxSeconds: wholeNumberSetting(0, 3600, 50).register(settingMeta, {
      description: 'Longest time that a request with `wait` is kept waiting.',
    }),
    demoWaitSeconds: wholeNumberSetting(0, 3600, 50).register(settingMeta, {
      description: 'Time that `/demo` waits for its job before it answers 202.',
    }),
    shutdownSeconds: wholeNumberSetting(0, 3600, 25).register(settingMeta, {
      description: 'Longest time that downloads may go on after SIGTERM.',
    }),
  })
  .register(groupMeta, { title: 'HTTP server', prefix: '' })

export type HttpSettings = z.output<typeof httpGroup>

/** Problems of the address to listen on. */
export function validateHttp(
  { host, port, probePort }: HttpSettings,
  { tokens, allowUnauthenticated }: AuthSettings,
  onKubernetes: boolean,
): string[] {
  if (probePort !== undefined && probePort !== 0 && probePort === port) {
    return [`PROBE_PORT: ${probePort} is the port of PORT; expected another port`]
  }
  if (isLoopback(host)) return []
  if (!onKubernetes) {
    return [
      `HOST: ${host} is no loopback address, and the embedded backend listens on loopback only; expected 127.0.0.1, ::1 or localhost`,
    ]
  }
  if (tokens.length > 0 || allowUnauthenticated) return []
  return [
    `HOST: ${host} is no loopback address, so callers need tokens; expected API_TOKENS, or ALLOW_UNAUTHENTICATED=1 where everyone who reaches it may run jobs`,
  ]
}

/** True if an address to listen on is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
