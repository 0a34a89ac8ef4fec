import * as z from 'zod'
import { integer, labelKey, labelValue, subdomain, text } from '../request/field-schemas.ts'
import { isDnsLabel } from '../request/syntax.ts'

/** The Job has it twice: in its pods and in the stored request. */
const maxBytes = 16_384
const kinds = 'nodeAffinity, podAffinity and podAntiAffinity'
const required = 'requiredDuringSchedulingIgnoredDuringExecution'
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution'
const rules = `an object of ${required} and ${preferred}`

const weight = integer(1, 100)
const listOf = <Item extends z.ZodType>(item: Item, what: string) => z.array(item, `a list of ${what}`)

interface Expression {
  operator: string
  values?: string[]
}

const hasFittingValues = ({ operator, values = [] }: Expression) => {
  if (operator === 'In' || operator === 'NotIn') return values.length > 0
  if (operator === 'Gt' || operator === 'Lt') return values.length === 1 && /^-?\d+$/.test(values[0] ?? '')
  return values.length === 0
}
const fittingValues = {
  path: ['values'],
  error:
    'values with In and NotIn, one whole number as a string with Gt and Lt, none with Exists and DoesNotExist',
}

function expressions<Operator extends string>(operators: readonly [Operator, ...Operator[]]) {
  const one = z
    .strictObject(
      {
        key: labelKey,
        operator: z.enum(operators, `one of ${operators.join(', ')}`),
        values: listOf(labelValue, 'strings').exactOptional(),
      },
      'an object of key, operator and values',
    )
    .refine(hasFittingValues, fittingValues)
  return listOf(one, 'objects of key, operator and values')
}

/** A node's only field that Kubernetes lets one select by. */
const nodeNames = listOf(
  z.strictObject(
    {
      key: z.literal('metadata.name', '"metadata.name"'),
      operator: z.enum(['In', 'NotIn'], 'In or NotIn'),
      values: z.array(subdomain('the name of a node'), 'a list of one name').length(1, 'a list of one name'),
    },
    'an object of key, operator and values',
  ),
  'objects of key, operator and values',
)

const nodeTerm = z.strictObject(
  {
    matchExpressions: expressions(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']).exactOptional(),
    matchFields: nodeNames.exactOptional(),
  },
  'an object of matchExpressions and matchFields',
)
const someTerms = 'a list of at least one object of matchExpressions and matchFields'

const nodeAffinity = z.strictObject(
  {
    [required]: z
      .strictObject(
        { nodeSelectorTerms: z.array(nodeTerm, someTerms).min(1, someTerms) },
        'an object of nodeSelectorTerms',
      )
      .exactOptional(),
    [preferred]: listOf(
      z.strictObject({ weight, preference: nodeTerm }, 'an object of weight and preference'),
      'objects of weight and preference',
    ).exactOptional(),
  },
  rules,
)

const labelSelector = z.strictObject(
  {
    matchLabels: z.record(labelKey, labelValue, 'an object of strings').exactOptional(),
    matchExpressions: expressions(['In', 'NotIn', 'Exists', 'DoesNotExist']).exactOptional(),
  },
  'an object of matchLabels and matchExpressions',
)

const ofPods = 'labelSelector, topologyKey, namespaces and namespaceSelector'
const podTerm = z.strictObject(
  {
    labelSelector: labelSelector.exactOptional(),
    topologyKey: labelKey,
    namespaces: listOf(text('the name of a namespace', isDnsLabel), 'names').exactOptional(),
    namespaceSelector: labelSelector.exactOptional(),
  },
  `an object of ${ofPods}`,
)

const podAffinity = z.strictObject(
  {
    [required]: listOf(podTerm, `objects of ${ofPods}`).exactOptional(),
    [preferred]: listOf(
      z.strictObject({ weight, podAffinityTerm: podTerm }, 'an object of weight and podAffinityTerm'),
      'objects of weight and podAffinityTerm',
    ).exactOptional(),
  },
  rules,
)

/** As in Kubernetes. */
export const affinitySchema = z
  .strictObject(
    {
      nodeAffinity: nodeAffinity.exactOptional(),
      podAffinity: podAffinity.exactOptional(),
      podAntiAffinity: podAffinity.exactOptional(),
    },
    `an object of ${kinds}`,
  )
  .refine((given) => Buffer.byteLength(JSON.stringify(given)) <= maxBytes, {
    error: `at most ${maxBytes} bytes as JSON`,
  })

export type Affinity = z.output<typeof affinitySchema>
type NodeTerm = z.output<typeof nodeTerm>
type PodTerm = z.output<typeof podTerm>

/** The terms by which it selects nodes, and where each stands. */
export function nodeTermsOf({ nodeAffinity: rules }: Affinity): { at: string; term: NodeTerm }[] {
  const at = 'affinity.nodeAffinity'
  return [
    ...(rules?.[required]?.nodeSelectorTerms ?? []).map((term, index) => ({
      at: `${at}.${required}.nodeSelectorTerms[${index}]`,
      term,
    })),
    ...(rules?.[preferred] ?? []).map(({ preference: term }, index) => ({
      at: `${at}.${preferred}[${index}].preference`,
      term,
    })),
  ]
}

/** The terms by which it selects pods, and where each stands. */
export function podTermsOf(affinity: Affinity): { at: string; term: PodTerm }[] {
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((kind) => [
    ...(affinity[kind]?.[required] ?? []).map((term, index) => ({
      at: `affinity.${kind}.${required}[${index}]`,
      term,
    })),
    ...(affinity[kind]?.[preferred] ?? []).map(({ podAffinityTerm: term }, index) => ({
      at: `affinity.${kind}.${preferred}[${index}].podAffinityTerm`,
      term,
    })),
  ])
}
