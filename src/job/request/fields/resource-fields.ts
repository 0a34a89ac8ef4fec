import { extendedResources } from '../../pod/extended-resources.ts'
import { optional } from '../field.ts'
import * as s from '../field-schemas.ts'

/** What the pod needs of its node beside `cpu`, `memory` and `gpu`. */
export const resourceFields = {
  cpu_request: optional(s.quantity('"250m"'), {
    query: 'text',
    scope: 'cluster',
    about: 'what the node keeps free for the worker, where that is less than the limit `cpu`',
    absent: '`cpu`',
  }),
  memory_request: optional(s.quantity('"256Mi"'), {
    query: 'text',
    scope: 'cluster',
    about:
      'the same of `memory`: a worker beyond its request is among the first that a node without memory evicts',
    absent: '`memory`',
  }),
  extended_resources: optional(extendedResources, {
    query: 'none',
    scope: 'cluster',
    about: 'devices by the names that nodes give them, as in Kubernetes; `nvidia.com/gpu` is `gpu`',
    absent: 'none',
  }),
  ephemeral_storage: optional(s.quantity('"10Gi"'), {
    query: 'text',
    scope: 'cluster',
    about:
      "request and limit of the worker's room on the node's disk: files in its container and its log, and of the pod `/output` without `result_storage_class`, `/input` and `/scratch`. A pod beyond it is evicted, and the job fails with `StorageFull`",
    absent: 'no limit',
  }),
  shared_memory: optional(s.quantity('"1Gi"'), {
    query: 'text',
    scope: 'cluster',
    about:
      'size of `/dev/shm`, which the steps share. What lies in it counts as memory of the program that wrote it: `memory` has to be enough for both',
    absent: 'that of the container runtime, 64 MiB as a rule',
  }),
}
