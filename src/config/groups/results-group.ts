import * as z from 'zod'
import { defaultPacking, largestPacked } from '../../result-format/result-layout.ts'
import { defaultResultLimits } from '../../result-format/result-limits.ts'
import { groupMeta, settingMeta, wholeNumberSetting } from '../setting.ts'

export const packingGroup = z
  .object({
    fileBytes: wholeNumberSetting(0, largestPacked, defaultPacking.fileBytes).register(settingMeta, {
      description: 'Files up to this size are small and are packed; at most 2 MiB.',
    }),
    fromCount: wholeNumberSetting(0, Number.MAX_SAFE_INTEGER, defaultPacking.fromCount).register(
      settingMeta,
      {
        description: '`auto` packs results with more small files than this.',
      },
    ),
  })
  .register(groupMeta, {
    title: 'Packing',
    prefix: 'PACK',
    description: 'For jobs with `result_layout` `packed` or `auto`: small files share tars in the store.',
  })

export const resultsGroup = z
  .object({
    maxBytes: wholeNumberSetting(1, Number.MAX_SAFE_INTEGER, defaultResultLimits.maxBytes).register(
      settingMeta,
      {
        description:
          'Most bytes that a result stores. A sparse file counts with its whole size, a file with several hard links once.',
      },
    ),
    maxEntries: wholeNumberSetting(1, Number.MAX_SAFE_INTEGER, defaultResultLimits.maxEntries).register(
      settingMeta,
      { description: 'Most files, folders and links of a result.' },
    ),
  })
  .register(groupMeta, {
    title: 'Size of results',
    prefix: 'RESULT',
    description:
      'A job that leaves more has `failed` with `StorageFull`; its `partial` result is the part that fits. A change applies to jobs that are deployed after it.',
  })
