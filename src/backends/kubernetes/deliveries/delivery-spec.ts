import type { DeliveryRound } from '../../../job/deliveries/delivery-runs.ts'
import type { DeliveryOrder } from '../../../job/deliveries/delivery-target.ts'
import type { Container, KubernetesJob, Secret } from '../api/objects.ts'
import { containers, deliveryName, jobLabels, kind, paths, volumes } from '../names.ts'
import type { KubernetesSettings } from '../settings.ts'
import { basicPodSpec, disruptionsDoNotCount } from '../spec/pod-spec.ts'

/** For the start of the pod, and for the program's own end after its limit. */
const spareSeconds = 300
/** After a kill, as by a full node. */
const furtherTries = 3
/** It goes when its end was seen; this is for a job that is removed while no API runs. */
const keptSeconds = 3600
/** It only reads from this store: what was sent stays. */
const graceSeconds = 2
/** The image's own. */
const user = 1000
const orderFile = 'order.json'

/** The Job of a round of deliveries: the uploader's program in another mode, without a worker. */
export function deliveryJob(round: DeliveryRound, settings: KubernetesSettings): KubernetesJob {
  const { uuid, number, request, order } = round
  const name = deliveryName(uuid, number)
  const labels = { ...jobLabels(uuid, request.labels), [kind.label]: kind.delivery }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: settings.namespace, labels },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: furtherTries,
      activeDeadlineSeconds: order.timeout_seconds + spareSeconds,
      ttlSecondsAfterFinished: keptSeconds,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: { rules: [disruptionsDoNotCount] },
      template: {
        metadata: { labels },
        spec: {
          ...basicPodSpec(request, settings),
          // It reads no worker's files: an ordinary user will do, to whom the kubelet opens Secrets.
          securityContext: {
            runAsUser: user,
            runAsGroup: user,
            runAsNonRoot: true,
            fsGroup: user,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          terminationGracePeriodSeconds: graceSeconds,
          containers: [deliveryContainer(round, settings)],
          volumes: [
            { name: volumes.state, emptyDir: {} },
            // Not optional: its Secret comes right after the Job, and the kubelet waits for it.
            { name: volumes.credentials, secret: { secretName: name, defaultMode: 0o440 } },
            ...secretsOf(order).map((secretName, index) => ({
              name: volumes.secret(index),
              secret: { secretName, defaultMode: 0o440, optional: true },
            })),
          ],
        },
      },
    },
  }
}

/** The order, and the credentials for this store; owned by the round's Job. */
export function deliverySecret(
  { uuid, number, order }: DeliveryRound,
  job: KubernetesJob,
  { namespace }: KubernetesSettings,
  credentials: Record<string, string>,
): Secret {
  const name = deliveryName(uuid, number)
  return {
    metadata: {
      name,
      namespace,
      labels: { ...jobLabels(uuid), [kind.label]: kind.delivery },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid: job.metadata?.uid ?? '' }],
    },
    stringData: { ...credentials, [orderFile]: JSON.stringify(order) },
  }
}

function deliveryContainer(
  { uuid, number, order }: DeliveryRound,
  { uploaderImage: image, store }: KubernetesSettings,
): Container {
  const variables = {
    JOB_UUID: uuid,
    DELIVERY_ROUND: String(number),
    ORDER_FILE: `${paths.credentials}/${orderFile}`,
    STATE_DIRECTORY: paths.state,
    SECRETS_DIRECTORY: paths.secrets,
    ...store.variables(paths.credentials),
  }
  return {
    name: containers.uploader,
    image,
    command: ['node', '--max-semi-space-size=2', '/app/uploader.js'],
    env: Object.entries(variables).map(([name, value]) => ({ name, value })),
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '512Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: volumes.state, mountPath: paths.state },
      { name: volumes.credentials, mountPath: paths.credentials, readOnly: true },
      ...secretsOf(order).map((name, index) => ({
        name: volumes.secret(index),
        mountPath: `${paths.secrets}/${name}`,
        readOnly: true,
      })),
    ],
  }
}

function secretsOf({ targets }: DeliveryOrder): string[] {
  return [...new Set(targets.map(({ secret }) => secret))].sort()
}
