import { describe } from 'vitest'
import { folderStore } from '../../support/folder-store.ts'
import { describeFinishedJobs } from './finished-jobs.ts'

describe('on a folder', () => describeFinishedJobs(folderStore))
