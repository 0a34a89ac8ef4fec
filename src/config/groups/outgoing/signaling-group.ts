import * as z from 'zod'
import {
  checkAuthorization,
  headerType,
  selfSignedType,
} from '../../../dataspaces/signaling/control-planes/authorization.ts'
import { httpPull } from '../../../dataspaces/signaling/flow-data-address.ts'
import { messageOf } from '../../../util/errors.ts'
import { parseJsonObject } from '../../../util/objects.ts'
import {
  baseUrl,
  groupMeta,
  httpUrlSetting,
  listSetting,
  nonEmptyLines,
  refuse,
  settingMeta,
  wholeNumberSetting,
} from '../../setting.ts'

const defaultProfiles = `${httpPull},HttpData-PULL`
const tokenSeconds = (otherwise: number) => wholeNumberSetting(10, 31_536_000, otherwise)

export const signalingGroup = z
  .object({
    dataplaneId: z.string().default('jobferry').register(settingMeta, {
      description: 'Id of this data plane at its control planes.',
    }),
    participantId: z.string().startsWith('did:', 'expected a DID').optional().register(settingMeta, {
      description: "The provider's DID. Without it no refresh tokens are issued.",
    }),
    profiles: listSetting
      .transform(pullProfiles)
      .prefault(defaultProfiles)
      .register(settingMeta, {
        form: 'commas',
        default: `\`${defaultProfiles}\``,
        description:
          'Accepted and registered values of `profile` and `transferType`, separated by commas. Consumers pull the data: a name that ends with `-push` is refused.',
      }),
    tokenSeconds: tokenSeconds(600).register(settingMeta, {
      description: 'Time that an access token is valid if it can be renewed.',
    }),
    finalTokenSeconds: tokenSeconds(86_400).register(settingMeta, {
      description: 'Time that an access token is valid if it cannot be renewed.',
    }),
    controlPlaneUrl: baseUrl.optional().register(settingMeta, {
      description: 'Address of the control plane for requests that name none, as long as none is registered.',
    }),
    controlPlaneAuthorization: z.string().optional().transform(outboundAuthorization).register(settingMeta, {
      form: 'json',
      secret: true,
      description:
        'How that control plane is called: `self-signed`, a JSON object (an authorization profile), or the value of the Authorization header.',
    }),
    registerUrl: httpUrlSetting.optional().register(settingMeta, {
      description:
        'Address where this data plane registers itself (PUT). Needs PUBLIC_URL or SIGNALING_ENDPOINT.',
    }),
    registerHeaders: z.string().default('').transform(headerLines).register(settingMeta, {
      form: 'lines',
      secret: true,
      description: 'Headers of the registration, one `<name>: <value>` a line.',
    }),
    endpoint: baseUrl.optional().register(settingMeta, {
      default: 'PUBLIC_URL',
      description: 'Address of this data plane for the registration.',
    }),
    labels: listSetting.prefault('').register(settingMeta, {
      form: 'commas',
      description: 'Labels for the registration, separated by commas.',
    }),
    authorization: z.string().optional().transform(jsonObject).register(settingMeta, {
      form: 'json',
      secret: true,
      description: '`authorization` for the registration, a JSON object.',
    }),
  })
  .register(groupMeta, {
    title: 'Dataplane Signaling',
    prefix: 'SIGNALING',
    description: 'See [Dataplane Signaling](dataspace/signaling.md).',
  })

type SignalingGroup = z.output<typeof signalingGroup>

/** Problems of the settings of Dataplane Signaling together. */
export function validateSignaling(
  { registerUrl, endpoint }: SignalingGroup,
  publicUrl: string | undefined,
): string[] {
  if (registerUrl === undefined || endpoint || publicUrl) return []
  return [
    'SIGNALING_REGISTER_URL: expected with PUBLIC_URL or SIGNALING_ENDPOINT, which are registered there',
  ]
}

export function signalingDataPlane(signaling: SignalingGroup, publicUrl: string | undefined): SignalingGroup {
  return { ...signaling, endpoint: signaling.endpoint ?? publicUrl }
}

function outboundAuthorization(text: string | undefined, context: z.RefinementCtx) {
  if (text === undefined) return undefined
  if (text === selfSignedType) return { type: selfSignedType }
  if (!text.startsWith('{')) return { type: headerType, value: text }
  const authorization = jsonObject(text, context)
  if (authorization === undefined) return undefined
  try {
    return checkAuthorization({ type: '', ...authorization })
  } catch (error) {
    return refuse(context, messageOf(error), undefined)
  }
}

function pullProfiles(profiles: string[], context: z.RefinementCtx): string[] {
  const push = profiles.find((profile) => /-push\/?$/i.test(profile))
  if (push === undefined) return profiles
  const problem = `${push} is a profile by which data are pushed, and consumers pull from this data plane`
  return refuse(context, `${problem}; expected profiles like ${defaultProfiles}`, profiles)
}

function jsonObject(text: string | undefined, context: z.RefinementCtx): Record<string, unknown> | undefined {
  if (text === undefined) return undefined
  return parseJsonObject(text) ?? refuse(context, 'expected a JSON object', undefined)
}

function headerLines(text: string, context: z.RefinementCtx): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of nonEmptyLines(text)) {
    const [, name, value] = /^([A-Za-z0-9-]+): *([\x20-\x7e]+)$/.exec(line) ?? []
    if (name && value) headers[name.toLowerCase()] = value
    else refuse(context, 'expected lines of <name>: <value>', undefined)
  }
  return headers
}
