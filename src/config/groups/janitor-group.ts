import * as z from 'zod'
import { flagSetting, groupMeta, settingMeta, wholeNumberSetting } from '../setting.ts'

export const janitorGroup = z
  .object({
    intervalSeconds: wholeNumberSetting(1, 86_400, 3600).register(settingMeta, {
      description: 'Time between two searches of the store for results past their time and for leftovers.',
    }),
    dryRun: flagSetting().register(settingMeta, { description: '1: removals are logged and not done.' }),
  })
  .register(groupMeta, {
    title: 'Janitor',
    prefix: 'JANITOR',
    description: 'See [What is removed](operating.md#what-is-removed).',
  })
