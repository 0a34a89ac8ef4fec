import { describe } from 'vitest'
import { folderStore } from '../../support/store/folder-store.ts'
import { describeFinishedJobs } from './finished-jobs.ts'

describe('on a folder', () => describeFinishedJobs(folderStore))
