import type { LookupFunction } from 'node:net'
import { folderFactory } from './folder/folder-factory.ts'
import { s3Factory } from './s3/s3-factory.ts'
import type { ArtifactStore } from './store.ts'
import type { StoreFactory, StoreForUploaders } from './store-factory.ts'

/** Every kind of store, by the `kind` of its settings. */
const factories = { folder: folderFactory, s3: s3Factory }

type Factory = (typeof factories)[keyof typeof factories]
export type StoreSettings = Parameters<Factory['open']>[0]
export type UploaderStoreSettings = Parameters<Factory['openInUploader']>[0]

export function openStore(settings: StoreSettings): Promise<ArtifactStore> {
  return factoryOf(settings).open(settings)
}

/** For uploaders that are child processes of the API. */
export function storeForChildren(settings: StoreSettings): StoreForUploaders {
  return factoryOf(settings).forChildren(settings)
}

/** For uploaders in pods; undefined if pods can't reach the store. */
export function storeForPods(settings: StoreSettings): StoreForUploaders | undefined {
  return factoryOf(settings).forPods(settings)
}

/** The store that an uploader's environment names; undefined if it names none. */
export function readStoreVariables(
  environment: Readonly<Record<string, string | undefined>>,
  required: (name: string) => string,
): UploaderStoreSettings | undefined {
  const factory = Object.values(factories).find(({ variable }) => environment[variable])
  return factory?.readVariables(environment, required)
}

/** Each names a kind of store in an uploader's environment. */
export const storeVariables = Object.values(factories).map(({ variable }) => variable)

/** `lookup` finds the store's address; default: the system's. */
export function openUploaderStore(
  settings: UploaderStoreSettings,
  lookup?: LookupFunction,
): Promise<ArtifactStore> {
  return factoryOf(settings).openInUploader(settings, lookup)
}

/** The cast is safe because `kind` selects both the factory and the type of the settings. */
function factoryOf({
  kind,
}: Pick<StoreSettings, 'kind'>): StoreFactory<StoreSettings, UploaderStoreSettings> {
  return factories[kind] as StoreFactory<StoreSettings, UploaderStoreSettings>
}
