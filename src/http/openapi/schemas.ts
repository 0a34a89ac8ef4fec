import type * as z from 'zod'
import { ofControlPlane, ofDataPlane } from '../../dataspaces/provisioning/provision-request.ts'
import { beginMessage, registration, signalMessage } from '../../dataspaces/signaling/signaling-messages.ts'
import { resultDelivery } from '../../job/deliveries/delivery-answer.ts'
import type { Field } from '../../job/request/field.ts'
import { requestFields } from '../../job/request/fields.ts'
import { partialRequest } from '../../job/request/request-schema.ts'
import { bulkAnswer } from '../answers/bulk-answer.ts'
import { callbacksAnswer, deliveryAnswer, redeliverAnswer } from '../answers/callback-answers.ts'
import { catalogueAnswer, catalogueJobAnswer } from '../answers/catalogue-answers.ts'
import {
  flowMessage,
  flowStatusAnswer,
  provisionAnswer,
  publicKeysAnswer,
  tokenAnswer,
  tokenErrorAnswer,
} from '../answers/data-space-answers.ts'
import { environmentAnswer, environmentListAnswer } from '../answers/environment-answers.ts'
import { callbackPayload, eventPayloads } from '../answers/event-payloads.ts'
import { healthAnswer, liveAnswer, readyAnswer } from '../answers/health-answers.ts'
import {
  awaitedJobAnswer,
  deployAnswer,
  jobAnswer,
  jobListAnswer,
  newJobAnswer,
  previewAnswer,
} from '../answers/job-answers.ts'
import { limitsAnswer } from '../answers/limits-answer.ts'
import { problemAnswer } from '../answers/problem-answer.ts'
import { listedEntry, resultListAnswer } from '../answers/result-answers.ts'
import { uploadAnswer, uploadListAnswer } from '../answers/upload-answers.ts'
import { convertNamed, type JsonSchema, type NamedSchemas, reference, sentence } from './json-schema.ts'

const { steps, inputs, outputs, volumes, tolerations } = requestFields

/** Names in the document, from which generated clients derive the names of their types. */
export const namedSchemas = {
  input: {
    JobRequest: partialRequest,
    Step: steps.schema.element,
    Input: inputs.schema.element,
    Outputs: outputs.schema,
    Volume: volumes.schema.element,
    Toleration: tolerations.schema.element,
    ProvisionRequestOfControlPlane: ofControlPlane,
    ProvisionRequestOfDataPlane: ofDataPlane,
    BeginMessage: beginMessage,
    SignalMessage: signalMessage,
    ControlPlaneRegistration: registration,
  },
  output: {
    Deployment: deployAnswer,
    NewJob: newJobAnswer,
    AwaitedJob: awaitedJobAnswer,
    Preview: previewAnswer,
    Job: jobAnswer,
    JobList: jobListAnswer,
    BulkAnswer: bulkAnswer,
    ResultList: resultListAnswer,
    Entry: listedEntry,
    ProgressEvent: eventPayloads.progress,
    WordEvent: eventPayloads.word,
    Callbacks: callbacksAnswer,
    ResultDelivery: resultDelivery,
    Delivery: deliveryAnswer,
    Redelivery: redeliverAnswer,
    CallbackMessage: callbackPayload,
    Limits: limitsAnswer,
    Environment: environmentAnswer,
    EnvironmentList: environmentListAnswer,
    Catalogue: catalogueAnswer,
    CatalogueJob: catalogueJobAnswer,
    Upload: uploadAnswer,
    UploadList: uploadListAnswer,
    Live: liveAnswer,
    Ready: readyAnswer,
    Health: healthAnswer,
    Problem: problemAnswer,
    Provisioned: provisionAnswer,
    FlowMessage: flowMessage,
    FlowStatus: flowStatusAnswer,
    AccessToken: tokenAnswer,
    TokenError: tokenErrorAnswer,
    PublicKeys: publicKeysAnswer,
  },
} satisfies NamedSchemas

const names = new Map<z.ZodType, string>(
  Object.values<Readonly<Record<string, z.ZodType>>>(namedSchemas).flatMap((named) =>
    Object.entries(named).map(([name, schema]) => [schema, name] as const),
  ),
)

/** A reference to the schema; it throws if the schema has no name above. */
export function schemaIn(schema: z.ZodType): JsonSchema {
  const name = names.get(schema)
  if (name === undefined) throw new Error('a schema of an operation has no name in namedSchemas')
  return reference(name)
}

export function unionOf(...schemas: readonly z.ZodType[]): JsonSchema {
  return { anyOf: schemas.map(schemaIn) }
}

/** All schemas of the document, with the description of each request field. */
export function componentSchemas(): Record<string, JsonSchema> {
  const schemas = convertNamed(namedSchemas)
  const properties = schemas.JobRequest?.properties as Record<string, JsonSchema>
  return {
    ...schemas,
    JobRequest: {
      ...schemas.JobRequest,
      description: 'Each field is optional; a configured job (`job`) gives the ones that are absent',
      properties: Object.fromEntries(
        Object.entries<Field>(requestFields).map(([name, field]) => [
          name,
          { ...properties[name], ...factsOf(field, properties[name]?.description) },
        ]),
      ),
    },
  }
}

function factsOf(field: Field, allowed: unknown): JsonSchema {
  const { about, absent } = field
  const parts = [
    about,
    ...(typeof allowed === 'string' ? [allowed] : []),
    ...(absent ? [`absent: ${absent}`] : []),
  ]
  return {
    description: parts.map((part) => sentence(withoutLinks(part))).join('. '),
    ...('default' in field && { default: field.default }),
  }
}

/** The Markdown of docs/fields.md links to documents beside it. */
function withoutLinks(text: string): string {
  return text.replaceAll(/\[([^\]]+)\]\(([^)#]+)[^)]*\)/g, (_, name: string, path: string) =>
    path.startsWith('http') ? name : `docs/${path}`,
  )
}
