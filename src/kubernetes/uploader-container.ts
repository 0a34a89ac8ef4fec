import { defaultPacking } from '../artifact/result-layout.ts'
import type { JobPlan } from '../job/backend.ts'
import { packingVariables } from '../job/packing.ts'
import { containers, paths, volumes } from './names.ts'
import type { Container } from './objects.ts'
import type { KubernetesSettings } from './settings.ts'

/** A startup probe can't be without a limit: `start_timeout_seconds` is what ends a start that never succeeds. */
const daysOfSeconds = 365 * 24 * 3600

/**
 * The native sidecar. It is ready, and so lets the worker start, once the inputs are there and the store is
 * proved. Once ready it has no probe that could end it.
 */
export function uploaderContainer(plan: JobPlan, settings: KubernetesSettings, stopToken: string): Container {
  const hasInputs = plan.inputsSha256 !== undefined
  return {
    name: containers.uploader,
    image: settings.uploaderImage,
    restartPolicy: 'Always',
    command: ['/bin/sh', '/app/supervise.sh', 'node', '/app/uploader.js'],
    env: uploaderEnvironment(plan, settings, stopToken),
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '256Mi' } },
    startupProbe: {
      httpGet: { path: '/ready', port: settings.uploaderPort },
      periodSeconds: 1,
      timeoutSeconds: 5,
      failureThreshold: daysOfSeconds,
      terminationGracePeriodSeconds: 5,
    },
    securityContext: uploaderSecurity(settings),
    volumeMounts: [
      { name: volumes.results, mountPath: paths.results, readOnly: true },
      ...(hasInputs ? [{ name: volumes.inputs, mountPath: paths.inputs }] : []),
      { name: volumes.state, mountPath: paths.state },
      { name: volumes.credentials, mountPath: paths.credentials, readOnly: true },
    ],
  }
}

/** As sidecar/settings.ts reads it. */
function uploaderEnvironment(plan: JobPlan, settings: KubernetesSettings, stopToken: string) {
  const { store } = settings
  const inputs =
    plan.inputsSha256 === undefined ? {} : { INPUT_DIRECTORY: paths.inputs, INPUTS_SHA256: plan.inputsSha256 }
  const values: Record<string, string> = {
    JOB_UUID: plan.uuid,
    RESULT_DIRECTORY: paths.results,
    ...inputs,
    STATE_DIRECTORY: paths.state,
    UPLOADER_PORT: String(settings.uploaderPort),
    STOP_TOKEN: stopToken,
    UPLOAD_TIMEOUT_SECONDS: String(plan.request.upload_timeout_seconds),
    ...packingVariables(plan.request, settings.packing ?? defaultPacking),
    UPLOAD_WHILE_RUNNING: String(plan.request.upload_while_running),
    S3_ENDPOINT: store.endpointForPods,
    S3_BUCKET: store.bucket,
    S3_REGION: store.region,
    S3_PREFIX: store.prefix,
    CREDENTIALS_DIRECTORY: paths.credentials,
  }
  return [
    ...Object.entries(values).map(([name, value]) => ({ name, value })),
    { name: 'ATTEMPT_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
  ]
}

function uploaderSecurity(settings: KubernetesSettings): NonNullable<Container['securityContext']> {
  const least = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    seccompProfile: { type: 'RuntimeDefault' },
  }
  // Workers leave files of mode 0600: root without this capability couldn't read them either.
  return settings.podSecurity === 'restricted'
    ? { ...least, capabilities: { drop: ['ALL'] } }
    : { ...least, runAsUser: 0, capabilities: { drop: ['ALL'], add: ['DAC_OVERRIDE'] } }
}
