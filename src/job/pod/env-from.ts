import * as z from 'zod'
import { subdomain } from '../request/field-schemas.ts'

const most = 20
const source = z
  .strictObject(
    {
      secret: subdomain('the name of a Secret').exactOptional(),
      config_map: subdomain('the name of a ConfigMap').exactOptional(),
    },
    'an object of secret or config_map',
  )
  .refine(
    ({ secret, config_map: configMap }) => (secret === undefined) !== (configMap === undefined),
    'either a secret or a config_map',
  )

/** Secrets and ConfigMaps of the namespace, all of whose keys become variables. */
export const envFrom = z
  .array(source, 'a list of objects of secret or config_map')
  .max(most, `at most ${most} objects of secret or config_map`)

export type EnvSource = z.output<typeof source>
