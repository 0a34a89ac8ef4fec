import { expect, it } from 'vitest'
import { progressOfJob } from '../../../../src/backends/kubernetes/deliveries/delivery-jobs.ts'
import { deliveryJob, deliverySecret } from '../../../../src/backends/kubernetes/deliveries/delivery-spec.ts'
import { uuidInName, uuidInRescueName } from '../../../../src/backends/kubernetes/names.ts'
import { uuid } from '../objects.ts'
import { clusterRequest } from '../request.ts'
import { settings } from '../spec/build-job.ts'

const round = {
  ...{ uuid, number: 2 },
  order: {
    ...{ version: 1 as const, attempt: 'a1', timeout_seconds: 100, allow: 'any', allow_http: false },
    targets: ['other', 'archive', 'other'].map((secret) => ({ to: 's3://b-1/', secret })),
  },
  request: clusterRequest('true', { labels: { team: 'a' }, node_selector: { disk: 'ssd' }, run_as_user: 7 }),
}
const job = deliveryJob(round, settings)

it('a delivery runs as an ordinary user, with its own Secrets alone and no way to the cluster', () => {
  const spec = job.spec?.template.spec
  expect(spec).toMatchObject({
    automountServiceAccountToken: false,
    restartPolicy: 'Never',
    nodeSelector: { disk: 'ssd' },
    securityContext: { runAsUser: 1000, runAsNonRoot: true, fsGroup: 1000 },
  })
  expect(spec?.volumes?.flatMap(({ secret }) => secret?.secretName ?? [])).toEqual([
    `job-${uuid}-deliver-2`,
    'archive',
    'other',
  ])
  const [container] = spec?.containers ?? []
  expect(container?.securityContext).toMatchObject({
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  expect(container?.volumeMounts?.find(({ mountPath }) => mountPath === '/secrets/archive')?.readOnly).toBe(
    true,
  )
  expect(Object.fromEntries(container?.env?.map(({ name, value }) => [name, value]) ?? [])).toMatchObject({
    JOB_UUID: uuid,
    DELIVERY_ROUND: '2',
    ORDER_FILE: '/credentials/order.json',
    SECRETS_DIRECTORY: '/secrets',
  })
})

it("a delivery's Job outlives its limit, goes by itself, and is taken for no job or rescue", () => {
  expect(job.metadata?.labels).toMatchObject({ team: 'a', 'jobferry.dev/kind': 'delivery' })
  expect(job.spec).toMatchObject({
    activeDeadlineSeconds: 400,
    backoffLimit: 3,
    ttlSecondsAfterFinished: 3600,
  })
  expect(uuidInName(job.metadata?.name)).toBe(undefined)
  expect(uuidInRescueName(job.metadata?.name)).toBe(undefined)
})

it('the Secret with the credentials and the order belongs to the Job of its round', () => {
  const made = { ...job, metadata: { ...job.metadata, uid: 'u1' } }
  expect(deliverySecret(round, made, settings, { 'access-key': 'a' })).toMatchObject({
    metadata: { name: job.metadata?.name, ownerReferences: [{ kind: 'Job', uid: 'u1' }] },
    stringData: { 'access-key': 'a', 'order.json': JSON.stringify(round.order) },
  })
})

it('a Job is under way until one of its last conditions is true', () => {
  const withCondition = (type: string, status = 'True') => ({
    status: { conditions: [{ type, status, message: 'm' }] },
  })
  expect(progressOfJob({})).toEqual({ state: 'running' })
  expect(progressOfJob(withCondition('Suspended'))).toEqual({ state: 'running' })
  expect(progressOfJob(withCondition('Failed', 'False'))).toEqual({ state: 'running' })
  expect(progressOfJob(withCondition('Failed'))).toEqual({ state: 'ended', message: 'm' })
  expect(progressOfJob(withCondition('Complete'))).toEqual({ state: 'ended', message: 'm' })
})
