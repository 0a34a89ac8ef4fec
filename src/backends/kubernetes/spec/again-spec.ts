import { defined } from '../../../util/objects.ts'
import type { KubernetesJob } from '../api/objects.ts'
import { type Again, requestOfJob } from '../job-metadata.ts'
import { againName, annotations, controllerLabels, finalizer } from '../names.ts'

/**
 * The further Job of a job whose first Job is given, as the API server has it: with the same pods
 * (Secret and ConfigMap are the first Job's), and held by a finalizer of its own, so that its
 * deletion by a client shows. It is removed with the first Job.
 */
export function againObject(uuid: string, first: KubernetesJob, { number, retries }: Again): KubernetesJob {
  const { name = '', uid = '', namespace, labels } = first.metadata ?? {}
  const { parallelism, completions, podReplacementPolicy, podFailurePolicy, template } = first.spec ?? {}
  const { metadata, spec } = template ?? {}
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: againName(uuid, number),
      ...defined({ namespace, labels: labels && withoutControllers(labels) }),
      annotations: { ...requestOfJob(first).annotations, [annotations.firstJob]: uid },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid }],
      finalizers: [finalizer],
    },
    spec: {
      backoffLimit: retries,
      ...defined({ parallelism, completions, podReplacementPolicy, podFailurePolicy }),
      template: {
        metadata: { ...metadata, labels: withoutControllers(metadata?.labels ?? {}) },
        ...defined({ spec }),
      },
    },
  }
}

/** The Job controller's labels, with those of before Kubernetes 1.27, name the first Job. */
const controllers: ReadonlySet<string> = new Set([
  ...Object.values(controllerLabels),
  'controller-uid',
  'job-name',
])

function withoutControllers(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !controllers.has(name)))
}
