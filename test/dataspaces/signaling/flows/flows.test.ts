import { folderStore } from '../../../support/store/folder-store.ts'
import { flowCases } from './flows-cases.ts'

flowCases(folderStore)
