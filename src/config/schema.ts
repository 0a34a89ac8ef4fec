import * as z from 'zod'
import { amqpGroup } from './groups/amqp-group.ts'
import { authGroup } from './groups/callers/auth-group.ts'
import { httpGroup } from './groups/callers/http-group.ts'
import { limitsGroup } from './groups/callers/limits-group.ts'
import { policyGroup } from './groups/callers/policy-group.ts'
import { janitorGroup } from './groups/janitor-group.ts'
import { jobsGroup } from './groups/jobs-group.ts'
import { kubernetesGroup } from './groups/kubernetes-group.ts'
import { localGroup } from './groups/local-group.ts'
import { logGroup } from './groups/log-group.ts'
import { callbacksGroup, eventsGroup } from './groups/outgoing/callbacks-group.ts'
import { datasetsGroup, edcGroup, grantsGroup } from './groups/outgoing/data-spaces-group.ts'
import { outgoingGroup } from './groups/outgoing/outgoing-group.ts'
import { signalingGroup } from './groups/outgoing/signaling-group.ts'
import { packingGroup, resultsGroup } from './groups/results-group.ts'
import { s3Group } from './groups/s3-group.ts'

/**
 * All settings in groups, each with its form and default; their environment variables are
 * environment.ts's.
 */
export const settingsSchema = z.object({
  http: httpGroup,
  auth: authGroup,
  limits: limitsGroup,
  kubernetes: kubernetesGroup,
  s3: s3Group,
  jobs: jobsGroup,
  local: localGroup,
  policy: policyGroup,
  packing: packingGroup,
  results: resultsGroup,
  callbacks: callbacksGroup,
  events: eventsGroup,
  amqp: amqpGroup,
  outgoing: outgoingGroup,
  janitor: janitorGroup,
  grants: grantsGroup,
  datasets: datasetsGroup,
  edc: edcGroup,
  signaling: signalingGroup,
  log: logGroup,
})

export type Settings = z.output<typeof settingsSchema>
