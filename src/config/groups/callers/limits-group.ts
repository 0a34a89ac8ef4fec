import { BlockList } from 'node:net'
import * as z from 'zod'
import { addNetwork } from '../../../util/egress/allow.ts'
import {
  groupMeta,
  listSetting,
  optionalNumberSetting,
  refuse,
  settingMeta,
  wholeNumberSetting,
} from '../../setting.ts'

const mebibyte = 1024 * 1024

export const limitsGroup = z
  .object({
    connections: wholeNumberSetting(1, 1_000_000, 10_000).register(settingMeta, {
      env: 'CONNECTIONS_MAX',
      description: 'Most connections at once; further ones are closed.',
    }),
    connectionsPerAddress: wholeNumberSetting(1, 1_000_000, 2_000).register(settingMeta, {
      env: 'CONNECTIONS_MAX_PER_ADDRESS',
      description:
        'Most connections at once from one address (IPv6: one /64 network); further ones are closed. Behind a proxy all callers share its address: see TRUSTED_PROXIES.',
    }),
    trustedProxies: z.string().default('').transform(networks).register(settingMeta, {
      env: 'TRUSTED_PROXIES',
      form: 'commas',
      description:
        'Addresses and networks of proxies, separated by commas, to which CONNECTIONS_MAX_PER_ADDRESS does not apply.',
    }),
    bodies: wholeNumberSetting(mebibyte, 2 ** 40, 32 * mebibyte).register(settingMeta, {
      env: 'BODIES_MAX_BYTES',
      description:
        'Memory for the bodies of all requests at once, without their inputs; further requests are 503 `busy`. `POST /token` may take an eighth of it, since its callers are not known yet.',
    }),
    downloads: wholeNumberSetting(1, 100_000, 300).register(settingMeta, {
      env: 'DOWNLOADS_MAX',
      description:
        'Most results that one replica sends at once; further ones are 503 `busy`. At most half of them go to readers with grants.',
    }),
    downloadsPerToken: optionalNumberSetting(1, 100_000).register(settingMeta, {
      env: 'DOWNLOADS_MAX_PER_TOKEN',
      default: 'two thirds of DOWNLOADS_MAX; with one token alone DOWNLOADS_MAX',
      description: 'Most results that are sent at once to callers with one token.',
    }),
    downloadsPerGrant: optionalNumberSetting(1, 100_000).register(settingMeta, {
      env: 'DOWNLOADS_MAX_PER_GRANT',
      default: 'a sixth of DOWNLOADS_MAX',
      description: 'Most results that are sent at once to readers with one grant of a data space.',
    }),
  })
  .register(groupMeta, {
    title: 'Limits for callers',
    prefix: '',
    description: 'See [Limits for clients](http.md#limits-for-clients).',
  })

export type LimitsSettings = z.output<typeof limitsGroup>

function networks(text: string, context: z.RefinementCtx): BlockList {
  const found = new BlockList()
  for (const entry of listSetting.parse(text)) {
    if (!addNetwork(found, entry))
      refuse(context, `${entry} is no address or network like 10.1.0.0/16`, found)
  }
  return found
}
