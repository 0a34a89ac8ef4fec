import { expect, it } from 'vitest'
import {
  fieldErrorsOf,
  ownItemsOf,
  requestField,
} from '../../../../src/backends/kubernetes/spec/field-map.ts'
import { clusterRequest } from '../request.ts'
import { build } from './build-job.ts'

const fields = {
  job_env: { A: '1' },
  env: { B: '1', C: '1' },
  config_map_ref: ['one', 'two'],
  env_from: [{ secret: 'three' }, { config_map: 'four' }],
  volumes: [
    { claim: 'one', mount_path: '/one', read_only: true },
    { claim: 'two', mount_path: '/two', read_only: false },
  ],
}
const own = ownItemsOf(clusterRequest('', fields), build(fields).pod)
const worker = 'spec.template.spec.containers[0]'
const pod = 'spec.template.spec'

it.each([
  [`${worker}.image`, 'image'],
  [`${worker}.imagePullPolicy`, 'image_pull_policy'],
  [`${worker}.command[2]`, 'command[2]'],
  [`${worker}.resources.requests[cpu]`, 'cpu'],
  [`${worker}.resources.limits[memory]`, 'memory'],
  [`${worker}.resources.limits[nvidia.com/gpu]`, 'gpu'],
  [`${worker}.resources.requests[ephemeral-storage]`, 'ephemeral_storage'],
  [`${worker}.resources.limits[a.io/b]`, 'extended_resources.a.io/b'],
  [`${pod}.affinity.nodeAffinity.x[0]`, 'affinity.nodeAffinity.x[0]'],
  [`${pod}.runtimeClassName`, 'runtime_class'],
  ['spec.template.annotations', 'annotations'],
  [`${worker}.securityContext.runAsUser`, 'run_as_user'],
  [`${pod}.securityContext.fsGroup`, 'run_as_user'],
  [`${worker}.envFrom[0].configMapRef.name`, 'job'],
  [`${worker}.envFrom[2].configMapRef.name`, 'config_map_ref[1]'],
  [`${worker}.envFrom[4].configMapRef.name`, 'env_from[1]'],
  [`${worker}.env[1].name`, 'env.C'],
  [`${worker}.env[2].value`, 'env'],
  [`${worker}.volumeMounts[0].mountPath`, 'result_directory'],
  [`${worker}.volumeMounts[3].mountPath`, 'volumes[1].mount_path'],
  [`${pod}.volumes[0].emptyDir.sizeLimit`, 'result_storage'],
  [`${pod}.volumes[0].ephemeral.volumeClaimTemplate.spec.storageClassName`, 'result_storage_class'],
  [`${pod}.volumes[5].persistentVolumeClaim.claimName`, 'volumes[0].claim'],
  [`${pod}.volumes[6].persistentVolumeClaim.claimName`, 'volumes[1].claim'],
  [`${pod}.tolerations[1].operator`, 'tolerations[1].operator'],
  [`${pod}.nodeSelector`, 'node_selector'],
  [`${pod}.priorityClassName`, 'priority_class'],
  [`${pod}.serviceAccountName`, 'service_account'],
  [`${pod}.imagePullSecrets[0].name`, 'image_pull_secret'],
  [`${pod}.terminationGracePeriodSeconds`, 'upload_timeout_seconds'],
  ['metadata.labels', 'labels'],
  ['spec.template.metadata.labels', 'labels'],
  ['spec.template.labels', 'labels'],
  ['spec.backoffLimit', 'retries'],
  ['metadata.annotations', 'request'],
  ['data[env.FOO]', 'env.FOO'],
  ['data', 'env'],
  ['[]', 'env'],
  ['spec.somethingNew', 'spec.somethingNew'],
])('maps %s to the request field %s', (path, field) => {
  expect(requestField(path, own)).toBe(field)
})

it("splits Kubernetes' message into problem and expectation", () => {
  const message = 'Invalid value: "-1": must be greater than or equal to 0'
  expect(fieldErrorsOf([{ field: 'spec.backoffLimit', message, reason: 'FieldValueInvalid' }], own)).toEqual([
    { field: 'retries', problem: 'Invalid value: "-1"', expected: 'must be greater than or equal to 0' },
  ])
  expect(fieldErrorsOf([{ field: 'x', message: 'Required value', reason: '' }], own)).toEqual([
    { field: 'x', problem: 'Required value', expected: 'a value that Kubernetes accepts' },
  ])
})
