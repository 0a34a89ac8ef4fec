import * as z from 'zod'
import { affinitySchema } from '../../pod/affinity.ts'
import { annotationsSchema } from '../../pod/annotations.ts'
import { optional, withDefault } from '../field.ts'
import * as s from '../field-schemas.ts'

/** Where in the cluster the pod runs, with which volumes, labels and rights. */
export const podFields = {
  volumes: withDefault(z.array(s.volume, 'a list of objects of claim, mount_path and read_only'), [], {
    query: 'none',
    scope: 'cluster',
    about: 'volume claims of the namespace to mount; `read_only` is false by default',
  }),
  image_pull_secret: optional(s.subdomain('the name of a Secret'), {
    query: 'text',
    scope: 'cluster',
    about: "the registry's credentials, as in Kubernetes",
  }),
  image_pull_policy: optional(
    z.enum(['Always', 'IfNotPresent', 'Never'], '"Always", "IfNotPresent" or "Never"'),
    { query: 'text', scope: 'cluster', about: 'as in Kubernetes' },
  ),
  node_selector: withDefault(
    s.nodeLabels,
    {},
    { query: 'none', scope: 'cluster', about: 'as in Kubernetes' },
  ),
  affinity: optional(affinitySchema, {
    query: 'none',
    scope: 'cluster',
    about: 'as in Kubernetes: nodeAffinity, podAffinity, podAntiAffinity',
    absent: 'none',
  }),
  tolerations: withDefault(z.array(s.toleration, 'a list of tolerations'), [], {
    query: 'none',
    scope: 'cluster',
    about: 'as in Kubernetes: key, operator, value, effect, tolerationSeconds',
  }),
  priority_class: optional(s.subdomain('the name of a PriorityClass'), {
    query: 'text',
    scope: 'cluster',
    about: 'as in Kubernetes',
  }),
  labels: withDefault(
    s.ownLabels,
    {},
    {
      query: 'none',
      about:
        'labels of the job: they stand in the answers, `GET /job?label=KEY=VALUE` finds them, and on a cluster the Job and its pods have them',
    },
  ),
  annotations: optional(annotationsSchema, {
    query: 'none',
    scope: 'cluster',
    about: 'annotations of the Job and its pods',
    absent: 'none',
  }),
  runtime_class: optional(s.subdomain('the name of a RuntimeClass'), {
    query: 'text',
    scope: 'cluster',
    about: 'as in Kubernetes: runtimeClassName',
    absent: "the cluster's default",
  }),
  service_account: optional(s.subdomain('the name of a ServiceAccount'), {
    query: 'text',
    scope: 'cluster',
    about: "the pod's ServiceAccount, for admission and pull secrets; its token is not mounted",
  }),
  run_as_user: optional(s.integer(0, 2 ** 31 - 1), {
    query: 'number',
    scope: 'cluster',
    about: "the worker's user id",
    absent: "the image's user; 1000 with POD_SECURITY=restricted",
  }),
}
