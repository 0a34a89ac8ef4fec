import { describeOnMinio } from '../../support/store/describe-on-minio.ts'
import { streamedCases } from './streamed-cases.ts'

describeOnMinio(streamedCases)
