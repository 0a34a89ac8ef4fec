import type { StoreFactory } from '../store-factory.ts'
import type { FolderRootOptions } from './folder-root.ts'

export interface FolderStoreSettings {
  kind: 'folder'
  directory: string
}

export const folderFactory: StoreFactory<FolderStoreSettings, FolderStoreSettings> = {
  open,
  forChildren: ({ directory }) => ({
    variables: () => ({ STORE_DIRECTORY: directory }),
    credentialFiles: {},
  }),
  forPods: () => undefined,
  variable: 'STORE_DIRECTORY',
  readVariables: (_, required) => ({ kind: 'folder', directory: required('STORE_DIRECTORY') }),
  // The API has prepared the folder before: an uploader makes none.
  openInUploader: (settings) => open(settings, { isPrepared: true }),
}

async function open({ directory }: FolderStoreSettings, options?: FolderRootOptions) {
  const { createFolderStore } = await import('./folder.ts')
  return createFolderStore(directory, options)
}
