import * as z from 'zod'
import { checkAuthorization, headerType, selfSignedType } from './completion/signaling/authorization.ts'
import { httpPull } from './completion/signaling/data-address.ts'
import type { SignalingSettings } from './completion/signaling/settings.ts'
import { messageOf } from './errors.ts'

const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// address' })
const list = (text: string) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
const seconds = (otherwise: number) =>
  z.coerce
    .number({ error: 'expected a whole number from 10 to 31536000' })
    .int('expected a whole number from 10 to 31536000')
    .min(10, 'expected at least 10')
    .max(31_536_000, 'expected at most 31536000')
    .default(otherwise)

/** The settings of Dataplane Signaling; each may also come from `<NAME>_FILE`. */
export const signalingSettings = {
  SIGNALING_DATAPLANE_ID: z.string().default('jobferry'),
  SIGNALING_PARTICIPANT_ID: z.string().startsWith('did:', 'expected a DID').optional(),
  SIGNALING_PROFILES: z.string().default(`${httpPull},HttpData-PULL`).transform(list),
  SIGNALING_TOKEN_SECONDS: seconds(600),
  SIGNALING_FINAL_TOKEN_SECONDS: seconds(86_400),
  SIGNALING_CONTROL_PLANE_URL: httpUrl.optional(),
  SIGNALING_CONTROL_PLANE_AUTHORIZATION: z.string().optional().transform(outboundAuthorization),
  SIGNALING_REGISTER_URL: httpUrl.optional(),
  SIGNALING_REGISTER_HEADERS: z.string().default('').transform(headerLines),
  SIGNALING_ENDPOINT: httpUrl.optional(),
  SIGNALING_LABELS: z.string().default('').transform(list),
  SIGNALING_AUTHORIZATION: z.string().optional().transform(jsonObject),
}
type Settings = z.infer<z.ZodObject<typeof signalingSettings>>

/** The settings as the program takes them. */
export function signalingOf(env: Settings, publicUrl: string | undefined): SignalingSettings {
  const endpoint = env.SIGNALING_ENDPOINT ?? publicUrl
  const authorization = env.SIGNALING_CONTROL_PLANE_AUTHORIZATION
  return {
    dataplaneId: env.SIGNALING_DATAPLANE_ID,
    ...(env.SIGNALING_PARTICIPANT_ID && { participantId: env.SIGNALING_PARTICIPANT_ID }),
    profiles: env.SIGNALING_PROFILES,
    tokenSeconds: env.SIGNALING_TOKEN_SECONDS,
    finalTokenSeconds: env.SIGNALING_FINAL_TOKEN_SECONDS,
    ...(env.SIGNALING_CONTROL_PLANE_URL && {
      controlPlane: {
        id: 'configured',
        endpoint: env.SIGNALING_CONTROL_PLANE_URL.replace(/\/+$/, ''),
        ...(authorization && { authorization }),
        trusted: true,
      },
    }),
    ...(env.SIGNALING_REGISTER_URL &&
      endpoint && {
        registration: {
          url: env.SIGNALING_REGISTER_URL,
          headers: env.SIGNALING_REGISTER_HEADERS,
          endpoint: endpoint.replace(/\/+$/, ''),
          labels: env.SIGNALING_LABELS,
          ...(env.SIGNALING_AUTHORIZATION && { authorization: env.SIGNALING_AUTHORIZATION }),
        },
      }),
  }
}

/** What is wrong with several of them together. */
export function onSignaling(env: Settings, publicUrl: string | undefined): string[] {
  if (env.SIGNALING_REGISTER_URL === undefined || env.SIGNALING_ENDPOINT || publicUrl) return []
  return [
    'SIGNALING_REGISTER_URL: expected with PUBLIC_URL or SIGNALING_ENDPOINT, which are registered there',
  ]
}

/** `self-signed`, a JSON object as an authorization profile, everything else as the value of the Authorization header. */
function outboundAuthorization(text: string | undefined, context: z.RefinementCtx) {
  if (text === undefined) return undefined
  if (text === selfSignedType) return { type: selfSignedType }
  if (!text.startsWith('{')) return { type: headerType, value: text }
  const authorization = jsonObject(text, context)
  try {
    if (authorization) return checkAuthorization({ type: '', ...authorization })
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) })
  }
  return undefined
}

function jsonObject(text: string | undefined, context: z.RefinementCtx): Record<string, unknown> | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Said below.
  }
  context.addIssue({ code: 'custom', message: 'expected a JSON object' })
  return undefined
}

function headerLines(text: string, context: z.RefinementCtx): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of text.split('\n').map((item) => item.trim())) {
    if (line === '') continue
    const [, name, value] = /^([A-Za-z0-9-]+): *([\x20-\x7e]+)$/.exec(line) ?? []
    if (name && value) headers[name.toLowerCase()] = value
    else context.addIssue({ code: 'custom', message: 'expected lines of <name>: <value>' })
  }
  return headers
}
