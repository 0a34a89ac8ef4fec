import { describeOnMinio } from '../../../support/store/describe-on-minio.ts'
import { flowCases } from './flows-cases.ts'

describeOnMinio(flowCases)
