import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { datasetUrl } from '../../../src/dataspaces/datasets/dataset-address.ts'
import { parseDatasets } from '../../../src/dataspaces/datasets/dataset-schema.ts'
import { findDataset } from '../../../src/dataspaces/datasets/find-dataset.ts'
import { loadDatasets } from '../../../src/dataspaces/datasets/load-datasets.ts'
import { createLog } from '../../../src/util/log.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { eventually } from '../../support/time/eventually.ts'

const uuid = '0b0e1c5a-3f6c-4a5e-9a55-0d6a7c2f1e11'
const mapping = `
datasets:
  - id: forecast
    job: weather
    env: {REGION: north, COST: "5$", ID: "\${id}"}
    file: out/forecast.nc
  - pattern: 'sim-(?<model>[a-z]+)(?:-(?<run>\\d+))?'
    job: simulate
    env: {MODEL: "\${model}", RUN: "\${run}"}
    file: "\${model}.csv"
    given_as: s3
    remove: job
  - pattern: 'sim-.*'
    job: other
  - id: archive
    job_uuid: ${uuid}
    format: tar.gz
  - pattern: 'job:(?<uuid>.*)'
    job_uuid: "\${uuid}"
`
const entries = parseDatasets(parse(mapping))
const base = { format: 'tar', givenAs: 'http', remove: 'nothing' }

test.each([
  [
    'forecast',
    {
      ...base,
      source: { kind: 'job', job: 'weather', env: { REGION: 'north', COST: '5$', ID: 'forecast' } },
      file: 'out/forecast.nc',
    },
  ],
  [
    'sim-ocean-7',
    {
      ...base,
      source: { kind: 'job', job: 'simulate', env: { MODEL: 'ocean', RUN: '7' } },
      file: 'ocean.csv',
      givenAs: 's3',
      remove: 'job',
    },
  ],
  [
    'sim-ice',
    expect.objectContaining({ source: { kind: 'job', job: 'simulate', env: { MODEL: 'ice', RUN: '' } } }),
  ],
  ['sim-ICE', { ...base, source: { kind: 'job', job: 'other', env: {} } }],
  ['archive', { ...base, format: 'tar.gz', source: { kind: 'results', uuid } }],
  [`job:${uuid}`, { ...base, source: { kind: 'results', uuid } }],
])('the id %s is mapped', (id, expected) => {
  expect(findDataset(entries, id)).toEqual(
    'asymmetricMatch' in expected ? expected : { id, ...(expected as object) },
  )
})

test.each(['', 'forecast ', 'Forecast', 'xsim-ocean', `job:${uuid}x`, 'job:../x', `sim-${'a'.repeat(3000)}`])(
  'the id %j is unmapped',
  (id) => {
    expect(findDataset(entries, id)).toBeUndefined()
  },
)

test.each([
  ['{datasets: [{job: a}]}', 'datasets[0].id: is wrong; expected an id or a pattern'],
  ['{datasets: [{id: a, pattern: b, job: a}]}', 'datasets[0].id'],
  ['{datasets: [{id: a}]}', 'datasets[0].job: is wrong; expected job or job_uuid'],
  ['{datasets: [{id: a, job_uuid: x}]}', 'datasets[0].job_uuid: is not a job uuid'],
  [
    `{datasets: [{id: a, job_uuid: ${uuid}, remove: job}]}`,
    'datasets[0].remove: would remove results that no transfer made; expected remove with job only',
  ],
  ['{datasets: [{id: a, job: b}, {id: a, job: c}]}', 'datasets[1].id: is used twice'],
  [
    '{datasets: [{pattern: "(", job: b}]}',
    'datasets[0].pattern: is not allowed; expected a regular expression',
  ],
  ['{datasets: [{id: a, job: b, given_as: s3}]}', 'datasets[0].file: is missing; expected one file'],
  ['{datasets: [{id: a, job: b, file: c, format: tar}]}', 'datasets[0].format: has no effect'],
  [
    `{datasets: [{id: a, job: b, env: {A: "\${model}"}}]}`,
    `datasets[0].env.A: has \${model}; expected one of \${id}`,
  ],
  ['{datasets: [{id: a, job: b, fiel: c}]}', 'datasets[0].fiel: is unknown'],
  [
    '{datasets: [{id: a, job: b, given_as: ftp}]}',
    'datasets[0].given_as: is not allowed; expected "http" or "s3"',
  ],
  ['[]', 'expected an object'],
])('the mapping %s is refused', (yaml, message) => {
  expect(() => parseDatasets(parse(yaml))).toThrow(message)
})

test.each([
  [{ file: 'out/a b&c#ü.nc' }, 'https://j.example/x/job/u/result?file=out%2Fa%20b%26c%23%C3%BC.nc'],
  [{}, 'https://j.example/x/job/u/result'],
  [{ format: 'tar.gz' }, 'https://j.example/x/job/u/result?format=tar.gz'],
])('the URL of the dataset %o', (fields, url) => {
  const [entry] = parseDatasets({ datasets: [{ id: 'a', job: 'b', ...fields }] })
  const dataset = entry && findDataset([entry], 'a')
  expect(dataset && datasetUrl('https://j.example/x', 'u', dataset)).toBe(url)
})

test('a changed mapping file is read again, and an invalid one leaves the last valid mapping', async () => {
  const directory = temporaryFolder()
  const path = join(directory, 'datasets.yaml')
  const log = createLog('test', 'silent')
  await expect(loadDatasets(path, log)).rejects.toThrow('DATASETS_FILE: ENOENT')
  await writeFile(path, 'datasets: [{id: a}]')
  await expect(loadDatasets(path, log)).rejects.toThrow('datasets[0].job')
  await writeFile(path, 'datasets: [{id: a, job: b}]')
  const complaints: string[] = []
  log.error = ({ error }: { error: string }) => complaints.push(error)
  const datasets = await loadDatasets(path, log, { pollMs: 5 })
  onTestFinished(() => datasets.close())
  expect(datasets.find('a')).toBeDefined()
  await writeFile(path, 'datasets: [{id: c, job: b}]')
  await eventually(() => expect(datasets.find('c')).toBeDefined())
  await writeFile(path, 'datasets: [')
  await eventually(() => expect(complaints).toContainEqual(expect.stringContaining(path)))
  expect(datasets.find('c')).toBeDefined()
})

test('the example in docs/dataspace.md is a valid mapping', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/dataspace.md'), 'utf8')
  const [example = ''] = /^ {4}datasets:\n(?: {4}.*\n|\n)+/m.exec(text) ?? []
  const documented = parseDatasets(parse(example))
  expect(findDataset(documented, 'sim-ocean-7')).toMatchObject({
    source: { kind: 'job', job: 'simulate', env: { MODEL: 'ocean', RUN: '7', ASSET: 'sim-ocean-7' } },
    ...{ file: 'run-7.csv', givenAs: 's3', remove: 'job' },
  })
  expect(findDataset(documented, 'archive-2025')).toMatchObject({ format: 'tar.gz', givenAs: 'http' })
})
