import * as z from 'zod'
import { integer, text } from '../request/field-schemas.ts'
import { isLabelKey } from '../request/syntax.ts'

const most = 16
const expected = `an object of at most ${most} names like "example.com/fpga", each with a whole number`

/** Kubernetes' own rules (IsExtendedResourceName), and no second way to say `gpu`. */
const name = text(
  'the name of an extended resource, like "example.com/fpga": not of kubernetes.io; nvidia.com/gpu is the field gpu',
  (key) => {
    const [domain = '', rest] = key.split('/')
    if (rest === undefined || !isLabelKey(key) || key.length > 200) return false
    return (
      !/(^|\.)kubernetes\.io$/.test(domain) && !domain.startsWith('requests.') && key !== 'nvidia.com/gpu'
    )
  },
)

/** Devices by their names, in whole numbers. */
export const extendedResources = z
  .record(name, integer(0, 1_000_000), expected)
  .refine((given) => Object.keys(given).length <= most, expected)
