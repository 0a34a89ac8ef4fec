import * as z from 'zod'
import { flagSetting, groupMeta, nonEmptyLines, refuse, settingMeta } from '../../setting.ts'

const tokenLines = () => z.string().default('').transform(parseTokens)

export const authGroup = z
  .object({
    tokens: tokenLines().register(settingMeta, {
      env: 'API_TOKENS',
      form: 'lines',
      secret: true,
      description: 'Bearer tokens of callers, one `name:<SHA-256 of the token in hex>` a line.',
    }),
    provisionTokens: tokenLines().register(settingMeta, {
      form: 'lines',
      secret: true,
      description:
        'Tokens for `POST /provision` alone, in the same form; also accepted as `access_token` in the address.',
    }),
    allowUnauthenticated: flagSetting().register(settingMeta, {
      description: '1: every caller that reaches the API may run jobs, without a token.',
    }),
  })
  .register(groupMeta, { title: 'Callers', prefix: '' })

export type AuthSettings = z.output<typeof authGroup>

function parseTokens(text: string, context: z.RefinementCtx): { name: string; sha256: string }[] {
  return nonEmptyLines(text).flatMap((line) => {
    const [, name, sha256] = /^([A-Za-z0-9._-]+):([0-9a-f]{64})$/.exec(line) ?? []
    if (name && sha256) return { name, sha256 }
    return refuse(context, 'expected lines of <name>:<SHA-256 of the token in hex>', [])
  })
}
