import * as z from 'zod'
import { deliveryTargets } from '../deliveries/delivery-schema.ts'
import { outputConditions, outputVariables } from './output-rules.ts'
import { patterns } from './pattern-schema.ts'

/** All patterns are one variable of the uploader: the kernel's MAX_ARG_STRLEN is 131,072 bytes. */
const maxVariable = 100_000

export const outputs = z
  .strictObject(
    {
      include: patterns.exactOptional(),
      exclude: patterns.exactOptional(),
      required: patterns.exactOptional(),
      when: z.enum(outputConditions, '"always", "success" or "failure"').exactOptional(),
      deliver: deliveryTargets.exactOptional(),
    },
    'an object of include, exclude, required, when and deliver',
  )
  .refine(
    ({ when, required }) => when !== 'failure' || required === undefined,
    'required without when "failure": a result that lacks it would be a failure of its own',
  )
  .refine(
    (rules) => Buffer.byteLength(outputVariables(rules).RESULT_OUTPUTS ?? '') <= maxVariable,
    `patterns of together at most ${maxVariable} bytes as JSON, in which each "$" takes six`,
  )
