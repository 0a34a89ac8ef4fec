import * as z from 'zod'
import {
  type CallbackSecrets,
  parseSecrets,
  secretsExpected,
} from '../../../notifications/callbacks/secrets.ts'
import { groupMeta, refuse, settingMeta, wholeNumberSetting } from '../../setting.ts'

export const callbacksGroup = z
  .object({
    secrets: z.string().default('').transform(callbackSecrets).register(settingMeta, {
      form: 'lines',
      secret: true,
      description:
        'Secrets that sign callbacks, one `<name of an API token, or *>: whsec_<base64> [whsec_<base64>]` a line. `*` is for all callers without a line. Without secrets `callback` is refused.',
    }),
  })
  .register(groupMeta, {
    title: 'Callbacks',
    prefix: 'CALLBACK',
    description: 'See [docs/callbacks.md](callbacks.md).',
  })

export const eventsGroup = z
  .object({
    heartbeatSeconds: wholeNumberSetting(1, 3600, 15).register(settingMeta, {
      description: 'Time between two heartbeats (comments) of an event stream.',
    }),
  })
  .register(groupMeta, { title: 'Events', prefix: 'EVENT' })

function callbackSecrets(text: string, context: z.RefinementCtx): CallbackSecrets {
  return parseSecrets(text) ?? refuse(context, `expected ${secretsExpected}`, new Map())
}
