import * as z from 'zod'
import { groupMeta, settingMeta } from '../setting.ts'

export const logGroup = z
  .object({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
      .default('info')
      .register(settingMeta, {
        description: '`trace`, `debug`, `info`, `warn`, `error` or `fatal`.',
      }),
  })
  .register(groupMeta, { title: 'Log', prefix: 'LOG' })
