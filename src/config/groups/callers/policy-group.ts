import * as z from 'zod'
import { groupMeta, path, settingMeta } from '../../setting.ts'

export const policyGroup = z
  .object({
    file: path.optional().register(settingMeta, {
      form: 'path',
      description:
        'YAML file with limits of what callers may ask for: [policy.md](policy.md). Read at start and when it changes. Without it callers may ask for everything.',
    }),
  })
  .register(groupMeta, { title: "The operator's policy", prefix: 'POLICY' })
