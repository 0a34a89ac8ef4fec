import { describeOnMinio } from '../../support/store/describe-on-minio.ts'
import { describeFinishedJobs } from './finished-jobs.ts'

describeOnMinio(describeFinishedJobs)
