import { describeBackend } from '../../job/backend.conformance.ts'
import { clusterUnderTest } from './setup.ts'

describeBackend('a cluster', clusterUnderTest)
