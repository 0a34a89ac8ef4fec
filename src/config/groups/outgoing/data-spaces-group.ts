import * as z from 'zod'
import { baseUrl, groupMeta, path, refuse, settingMeta, wholeNumberSetting } from '../../setting.ts'

export const grantsGroup = z
  .object({
    seconds: wholeNumberSetting(1, 365 * 86_400, 86_400).register(settingMeta, {
      description: 'Time that a token or a key for results is valid.',
    }),
  })
  .register(groupMeta, {
    title: 'Data spaces',
    prefix: 'GRANT',
    description: 'See [docs/dataspace.md](dataspace.md); PROVISION_TOKENS is under [Callers](#callers).',
  })

export const datasetsGroup = z
  .object({
    file: path.optional().register(settingMeta, {
      form: 'path',
      description: 'YAML file that maps the asset ids of data spaces to jobs.',
    }),
  })
  .register(groupMeta, { title: 'Datasets', prefix: 'DATASETS' })

export const edcGroup = z
  .object({
    callbackUrls: z.string().default('').transform(parseUrls).register(settingMeta, {
      form: 'commas',
      default: 'all that OUTGOING_ALLOW allows',
      description: 'Addresses below which Jobferry may call connectors back, separated by commas.',
    }),
    apiKey: z.string().optional().register(settingMeta, {
      secret: true,
      description:
        '`x-api-key` for callbacks; sent to EDC_CALLBACK_URLS, EDC_MANAGEMENT_URL and addresses below them alone.',
    }),
    managementUrl: baseUrl.optional().register(settingMeta, {
      description:
        "Address of the connector's management API, by which Jobferry terminates transfers that get no data.",
    }),
    managementApiKey: z.string().optional().register(settingMeta, {
      secret: true,
      default: 'EDC_API_KEY',
      description: '`x-api-key` for EDC_MANAGEMENT_URL.',
    }),
  })
  .register(groupMeta, { title: 'Connectors (EDC)', prefix: 'EDC' })

type EdcGroup = z.output<typeof edcGroup>

/** Problems of the settings for connectors together. */
export function validateEdc({ apiKey, callbackUrls, managementUrl }: EdcGroup): string[] {
  if (!apiKey || callbackUrls.length > 0 || managementUrl) return []
  return ['EDC_CALLBACK_URLS: missing; expected where the key of EDC_API_KEY may be sent']
}

export function edcConnectors(edc: EdcGroup): EdcGroup {
  return { ...edc, managementApiKey: edc.managementApiKey ?? edc.apiKey }
}

function parseUrls(text: string, context: z.RefinementCtx): string[] {
  const urls = text.split(/[\s,]+/).filter((url) => url !== '')
  const isHttp = (url: string) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
  if (urls.every(isHttp)) return urls
  return refuse(context, 'expected http:// or https:// addresses, separated by commas', urls)
}
