import * as z from 'zod'

const choice = z.union([z.literal('all'), z.array(z.string())])
const limit = z.union([z.string(), z.int()])
const count = z.int().min(0)

/** What holds for the caller that asks. */
export const limitsAnswer = z.strictObject({
  caller: z.string().nullable().describe("The name of the caller's token; null without one"),
  policy: z.boolean().describe('The operator has set a policy'),
  allowed: z
    .strictObject({
      images: choice,
      image_pull_secrets: choice,
      service_accounts: choice,
      priority_classes: choice,
      tolerations: choice,
      claims: z.union([choice, z.literal('all-but-jobs')]),
      node_selectors: choice,
      labels: z
        .union([choice, z.literal('unselected')])
        .describe('`unselected`: those that no Service selects'),
      annotations: choice,
      runtime_classes: choice,
      extended_resources: choice,
      affinity: z
        .enum(['all', 'own-namespace', 'none'])
        .describe(
          '`own-namespace`: every one that names no other namespace and has no required podAntiAffinity',
        ),
      env_secrets: z.array(z.string()),
      env_config_maps: z.array(z.string()),
      root: z.boolean().describe('Workers may run as user 0'),
    })
    .describe('`all`, or patterns with * for any text; an empty list allows none'),
  maximum: z.record(z.string(), limit).describe('By request field'),
  default: z.record(z.string(), limit).describe('By request field: of requests without it'),
  live_jobs: z.strictObject({
    now: count.describe("Jobs of the caller's token that have not ended"),
    maximum: count.nullable(),
  }),
  input_max_bytes: count.describe('Of all inputs of a request together'),
  wait_max_seconds: count.describe('Longest time that a request with `wait` is kept waiting'),
  refused_fields: z.array(z.string()).describe('Request fields that no caller can give here'),
  ignored_fields: z.array(z.string()).describe('Request fields that are accepted and have no effect here'),
})

export type LimitsAnswer = z.output<typeof limitsAnswer>
