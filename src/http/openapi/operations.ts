import type { Operations } from './operation.ts'
import { catalogueOperations } from './operations/catalogue-operations.ts'
import { dataSpaceOperations } from './operations/data-space-operations.ts'
import { deployOperations } from './operations/deploy-operations.ts'
import { jobOperations } from './operations/job-operations.ts'
import { resultOperations } from './operations/result-operations.ts'
import { serviceOperations } from './operations/service-operations.ts'
import { uploadOperations } from './operations/upload-operations.ts'

/**
 * What each method of each route takes and answers, by method and Express path: the OpenAPI document is made
 * of it, and a test compares it with the router.
 */
export const operations: Operations = {
  ...deployOperations,
  ...jobOperations,
  ...resultOperations,
  ...catalogueOperations,
  ...uploadOperations,
  ...serviceOperations,
  ...dataSpaceOperations,
}
