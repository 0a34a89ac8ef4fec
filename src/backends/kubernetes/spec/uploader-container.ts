import type { JobPlan } from '../../../job/backend.ts'
import { reusedSteps } from '../../../job/steps/restart.ts'
import { uploaderVariables } from '../../../job/uploader-variables.ts'
import { defaultPacking } from '../../../result-format/result-layout.ts'
import type { Container } from '../api/objects.ts'
import { containers, jobName, paths, secretKeys, volumes } from '../names.ts'
import type { KubernetesSettings } from '../settings.ts'

/** A startup probe needs a limit: `start_timeout_seconds` ends a start that does not succeed. */
const daysOfSeconds = 365 * 24 * 3600

/**
 * The native sidecar. Once the inputs are there and the store has proved writable, it is ready and
 * the worker starts. After that no probe can end it.
 */
export function uploaderContainer(
  plan: JobPlan,
  settings: KubernetesSettings,
  preStopToken: string,
): Container {
  const hasInputs = plan.inputsSha256 !== undefined
  return {
    name: containers.uploader,
    image: settings.uploaderImage,
    restartPolicy: 'Always',
    command: ['/bin/sh', '/app/supervise.sh', 'node', '/app/uploader.js'],
    env: uploaderEnvironment(plan, settings, preStopToken),
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
      { name: volumes.results, mountPath: paths.results, readOnly: plan.restart === undefined },
      ...(hasInputs ? [{ name: volumes.inputs, mountPath: paths.inputs }] : []),
      { name: volumes.word, mountPath: paths.word, readOnly: true },
      { name: volumes.state, mountPath: paths.state },
      { name: volumes.credentials, mountPath: paths.credentials, readOnly: true },
      ...(plan.secrets ?? []).map((name, index) => ({
        name: volumes.secret(index),
        mountPath: `${paths.secrets}/${name}`,
        readOnly: true,
      })),
    ],
  }
}

/** The variables that sidecar/uploader-settings.ts reads. */
function uploaderEnvironment(plan: JobPlan, settings: KubernetesSettings, preStopToken: string) {
  const { uuid, request, inputsSha256, secrets, restart } = plan
  const running = (request.steps?.length ?? 1) - reusedSteps(request.steps, restart)
  const values: Record<string, string> = {
    ...uploaderVariables(
      { uuid, request, inputsSha256, restart },
      { ...paths, secrets: secrets && paths.secrets },
      { packing: settings.packing ?? defaultPacking, limits: settings.limits },
      {
        UPLOADER_PORT: String(settings.uploaderPort),
        PRE_STOP_TOKEN: preStopToken,
        ...(running > 1 && { FURTHER_STEPS: 'true' }),
      },
    ),
    ...settings.store.variables(paths.credentials),
  }
  return [
    ...Object.entries(values).map(([name, value]) => ({ name, value })),
    // Optional: a replica of a former version, without such a key, may complete a job's creation.
    {
      name: 'END_KEY',
      valueFrom: { secretKeyRef: { name: jobName(uuid), key: secretKeys.endKey, optional: true } },
    },
    { name: 'ATTEMPT_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
  ]
}

function uploaderSecurity(settings: KubernetesSettings): NonNullable<Container['securityContext']> {
  const least = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    seccompProfile: { type: 'RuntimeDefault' },
  }
  // Workers leave files of mode 0600, which root cannot read without this capability.
  return settings.podSecurity === 'restricted'
    ? { ...least, capabilities: { drop: ['ALL'] } }
    : { ...least, runAsUser: 0, capabilities: { drop: ['ALL'], add: ['DAC_OVERRIDE'] } }
}
