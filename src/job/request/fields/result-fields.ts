import * as z from 'zod'
import { resultLayouts } from '../../../result-format/result-layout.ts'
import { outputs } from '../../outputs/output-schema.ts'
import { optional, withDefault } from '../field.ts'
import * as s from '../field-schemas.ts'
import { isDnsSubdomain } from '../syntax.ts'

/** Where the results lie, and which of them are kept. */
export const resultFields = {
  // RESULT_DIRECTORY names a private folder for child processes: files written elsewhere would be
  // no result.
  result_directory: withDefault(s.mountPath, '/output', {
    query: 'text',
    scope: 'cluster',
    about: 'where the worker leaves its files; the variable RESULT_DIRECTORY names it to the worker',
  }),
  result_storage: optional(s.quantity('"10Gi"'), {
    query: 'text',
    scope: 'cluster',
    about: "size limit of the results' volume",
    absent: 'no limit',
  }),
  result_storage_class: optional(
    s.text(
      'the name of a StorageClass, or "" for the default one',
      (name) => name === '' || isDnsSubdomain(name),
    ),
    {
      query: 'text',
      scope: 'cluster',
      about:
        'keeps the results on a volume claim of the size `result_storage`: if the uploader is killed, a rescue stores them from there',
      absent: 'an emptyDir',
    },
  ),
  result_layout: withDefault(z.enum(resultLayouts, '"files", "packed" or "auto"'), 'auto', {
    query: 'text',
    about:
      '`files`: one object in the store per file; `packed`: small files share tars, so that thousands of them are stored fast; `auto`: `packed` for more than PACK_FROM_COUNT small files, else `files`. Readers see no difference',
  }),
  outputs: optional(outputs, {
    query: 'none',
    about:
      'the files of the result directory that are kept or required, by patterns as in .gitignore, `when` they are kept, and the buckets to `deliver` them to: [outputs.md](outputs.md)',
    absent: 'everything, always',
  }),
}
