import { expectedName } from '../../util/checks/nearest.ts'
import { invalid, Problem } from '../../util/errors.ts'
import type { Dataset, Datasets } from './datasets.ts'

/**
 * The parameters of POST /provision that name a dataset; `asset` is the address's, else the
 * message's.
 */
export interface DatasetParameters {
  job: string | undefined
  file: string | undefined
  assetInAddress: string | undefined
  asset: string | undefined
}

export interface ConfiguredNames {
  get(name: string): unknown
  names(): string[]
}

/**
 * The results of a job that the address names, else the dataset of the asset's id. Throws a
 * Problem.
 */
export function requestedDataset(
  { job, file, assetInAddress, asset }: DatasetParameters,
  datasets: Pick<Datasets, 'find'>,
  configured: ConfiguredNames,
): Dataset {
  const id = assetInAddress ?? asset
  if (job !== undefined) {
    if (assetInAddress !== undefined) throw invalid('asset', 'is given together with job', 'one of the two')
    if (file === '') throw invalid('file', 'is empty', 'a path of the results')
    if (!configured.get(job)) {
      throw invalid('job', 'is unknown', expectedName(job, configured.names()))
    }
    const source = { kind: 'job', job, env: {} } as const
    const base = { id: id ?? job, source, format: 'tar', givenAs: 'http', remove: 'nothing' } as const
    return file === undefined ? base : { ...base, file }
  }
  if (file !== undefined) throw invalid('file', 'is given without job', 'file together with job')
  if (id === undefined) {
    throw invalid(
      'asset',
      'is missing',
      "asset or job in this address, since a data plane's request does not name the data",
    )
  }
  const dataset = datasets.find(id)
  if (dataset) return dataset
  throw new Problem('not-found', `No dataset is configured for the asset ${JSON.stringify(id.slice(0, 200))}`)
}
