import { BlockList } from 'node:net'
import * as z from 'zod'
import { type AllowRules, allowExpected, parseAllow } from '../../../util/egress/allow.ts'
import { groupMeta, refuse, settingMeta, wholeNumberSetting } from '../../setting.ts'

export const outgoingGroup = z
  .object({
    allow: z.string().optional().transform(allowRules).register(settingMeta, {
      form: 'commas',
      default: '`public,private`; for child processes also `loopback`',
      description:
        'Addresses that may be called if a caller or a connector gives them: `public`, `private`, `loopback`, `any`, host names, `*.domain`, addresses, networks; separated by commas. See [docs/callbacks.md](callbacks.md).',
    }),
    timeoutSeconds: wholeNumberSetting(1, 300, 15).register(settingMeta, {
      description: 'Longest time of a whole call.',
    }),
  })
  .register(groupMeta, {
    title: 'Outgoing calls',
    prefix: 'OUTGOING',
    description: 'Calls to addresses that callers and connectors give.',
  })

type OutgoingGroup = z.output<typeof outgoingGroup>

/** On Kubernetes loopback is Jobferry's own pod, which no caller may reach through it. */
export function withAllowRules(
  outgoing: OutgoingGroup,
  onKubernetes: boolean,
): OutgoingGroup & { allow: AllowRules } {
  const classes: AllowRules['classes'] = onKubernetes
    ? ['public', 'private']
    : ['public', 'private', 'loopback']
  const standard = { text: classes.join(','), classes, hosts: [], networks: new BlockList() }
  return { ...outgoing, allow: outgoing.allow ?? standard }
}

function allowRules(text: string | undefined, context: z.RefinementCtx): AllowRules | undefined {
  if (text === undefined) return undefined
  return parseAllow(text) ?? refuse(context, `expected ${allowExpected}`, undefined)
}
