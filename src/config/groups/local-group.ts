import { join } from 'node:path'
import * as z from 'zod'
import type { FolderStoreSettings } from '../../store/folder/folder-factory.ts'
import {
  flagSetting,
  folderSetting,
  groupMeta,
  optionalNumberSetting,
  path,
  settingMeta,
} from '../setting.ts'

export const localGroup = z
  .object({
    dataDirectory: folderSetting('data', {
      env: 'DATA_DIRECTORY',
      description: 'Folder for jobs that run as child processes, and without S3_ENDPOINT for their results.',
    }),
    allowCommands: flagSetting().register(settingMeta, {
      description:
        '1: callers may give `command`, `args` and any variable; the command runs as the user that Jobferry itself runs as. Without API_TOKENS and ALLOW_UNAUTHENTICATED each start makes a token; the log and the file `token` in DATA_DIRECTORY show it.',
    }),
    secretsDirectory: path.optional().register(settingMeta, {
      form: 'path',
      description:
        'Folder with a folder for each name of REQUEST_SECRETS, whose files are its values. Workers run as the same user and can read it.',
    }),
    maxRunning: optionalNumberSetting(1, 10_000).register(settingMeta, {
      default: 'the number of cores',
      description: 'Most jobs that run at once; further ones wait in the order of their creation.',
    }),
  })
  .register(groupMeta, {
    title: 'Child processes',
    prefix: 'LOCAL',
    description: 'Jobs run as child processes if there is no cluster.',
  })

export type LocalGroup = z.output<typeof localGroup>

/** Results as files of a folder: the store where no other one is set. */
export function folderStore({ dataDirectory }: LocalGroup): FolderStoreSettings {
  return { kind: 'folder', directory: join(dataDirectory, 'store') }
}
