import * as z from 'zod'
import { certificatesIn } from '../certificates.ts'
import { groupMeta, refuse, settingMeta, wholeNumberSetting } from '../setting.ts'

export const amqpGroup = z
  .object({
    url: z.string().optional().transform(brokerUrl).register(settingMeta, {
      secret: true,
      description:
        'Broker (AMQP 0-9-1, RabbitMQ) whose messages start jobs: `amqp://` or `amqps://`, with the virtual host as path. Without it there is no messaging.',
    }),
    username: z.string().optional().register(settingMeta, {
      default: 'the one in AMQP_URL, else `guest`',
      description: 'User at the broker.',
    }),
    password: z.string().optional().register(settingMeta, {
      secret: true,
      default: 'the one in AMQP_URL, else `guest`',
      description: "The user's password.",
    }),
    ca: z
      .string()
      .optional()
      .transform((text, context) => (text === undefined ? undefined : certificatesIn(text, context)))
      .register(settingMeta, {
        description: "Certificates in PEM that sign the broker's, beside those that Node knows.",
      }),
    queue: nameSetting('jobferry', 200).register(settingMeta, {
      description:
        'Queue with the messages for Jobferry. It is declared as durable if it does not exist. `<queue>.later.…` beside it hold messages that wait.',
    }),
    exchange: nameSetting('jobferry.events', 200).register(settingMeta, {
      description: 'Topic exchange that gets the events. It is declared as durable if it does not exist.',
    }),
    deadLetterExchange: nameSetting(undefined, 200).register(settingMeta, {
      default: '`<AMQP_QUEUE>.dead`',
      description:
        'Exchange that gets messages which can not be carried out. If it does not exist it is declared, with a queue of its name.',
    }),
    prefetch: wholeNumberSetting(1, 1000, 20).register(settingMeta, {
      description: 'Messages that one replica handles at once.',
    }),
    caller: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, 'expected up to 100 letters, digits, ".", "_" and "-"')
      .default('amqp')
      .register(settingMeta, {
        description:
          "Caller of the messages, as the name of an API token is a caller's: for `made_by`, the policy's quota, reruns and the secrets of callbacks.",
      }),
    progressSeconds: wholeNumberSetting(1, 3600, 5).register(settingMeta, {
      description: "Least time between two events of one job's progress.",
    }),
    logLines: wholeNumberSetting(0, 1000, 50).register(settingMeta, {
      description: "Last lines of the worker's log in the event of a job's end, 64 KiB at most.",
    }),
  })
  .register(groupMeta, {
    title: 'Messages',
    prefix: 'AMQP',
    description: 'See [docs/messages.md](messages.md).',
  })

export type AmqpGroup = z.output<typeof amqpGroup>

/** What is wrong with several settings together. */
export function validateAmqp({ url, username, password }: AmqpGroup): string[] {
  if (url === undefined) {
    const given = [username && 'AMQP_USERNAME', password && 'AMQP_PASSWORD'].filter(Boolean)
    return given.length === 0 ? [] : [`AMQP_URL: missing; expected with ${given.join(' and ')}`]
  }
  if ((username === undefined) === (password === undefined)) return []
  return [`AMQP_${username === undefined ? 'USERNAME' : 'PASSWORD'}: missing; expected both or none`]
}

function brokerUrl(text: string | undefined, context: z.RefinementCtx): string | undefined {
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && ['amqp:', 'amqps:'].includes(url.protocol) && url.hostname !== '') return text
  return refuse(context, 'expected amqp://<host>[:port][/virtual-host] or amqps://…', undefined)
}

/** Names beginning with `amq.` are the broker's own; names are at most 255 bytes long. */
function nameSetting<Default extends string | undefined>(otherwise: Default, most: number) {
  const expected = `expected up to ${most} letters, digits, ".", "_", ":" and "-", not beginning with "amq."`
  const name = z.string().regex(new RegExp(`^(?!amq\\.)[A-Za-z0-9._:-]{1,${most}}$`), expected)
  return (otherwise === undefined ? name.optional() : name.default(otherwise)) as z.ZodType<
    string | Extract<Default, undefined>
  >
}
