import { folderStore } from '../../support/folder-store.ts'
import { flowCases } from './flows-cases.ts'

flowCases(folderStore)
