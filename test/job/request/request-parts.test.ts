import { describe, expect, test } from 'vitest'
import { parseConfigData } from '../../../src/job/request/config-data.ts'
import { parseDeployQuery } from '../../../src/job/request/deploy-query.ts'
import { parseEnvFile } from '../../../src/job/request/env-file.ts'

const naming = (...fields: string[]) =>
  expect.objectContaining({
    code: 'invalid-request',
    errors: fields.map((field) => expect.objectContaining({ field })),
  })

describe('env_file', () => {
  test('is a dotenv file', () => {
    const text = '\uFEFF# settings\nexport A=1\nB="two words" # why\nC=\'$A\'\nD=\nA=2\n'
    expect(parseEnvFile(Buffer.from(text))).toEqual({ A: '2', B: 'two words', C: '$A', D: '' })
  })

  test('may be empty', () => {
    expect(parseEnvFile(Buffer.from('\n \n'))).toEqual({})
    expect(parseEnvFile(Buffer.from('# only a comment'))).toEqual({})
  })

  test.each([
    ['no assignments here', 'env_file'],
    ['A=1\0', 'env_file'],
    [Buffer.from([0x41, 0x3d, 0xff]), 'env_file'],
    ['A-B=1', 'env_file.A-B'],
    ['RESULT_DIRECTORY=/x', 'env_file.RESULT_DIRECTORY'],
  ])('%s is refused', (content, field) => {
    expect(() => parseEnvFile(Buffer.from(content))).toThrow(naming(field))
  })
})

test('an error of a variable names its line', () => {
  const refusal = (text: string) => () => parseEnvFile(Buffer.from(text))
  expect(refusal('A=1\nB="two\nlines"\na.b=1\n')).toThrow(/env_file\.a\.b: .* \(line 4\); expected /)
  expect(() => parseConfigData(Buffer.from('\nGPU=two\n'))).toThrow(/config_data\.GPU: .* \(line 2\); /)
})

test('a variable above the kernel’s limit for a process is refused', () => {
  expect(() => parseEnvFile(Buffer.from(`A=${'x'.repeat(131_072)}`))).toThrow(naming('env_file.A'))
})

describe('config_data', () => {
  test('sets four fields', () => {
    const text = 'WORKER_IMAGE=a/b:1\nGPU=2\nRESULT_DIRECTORY=/out\nIMAGE_PULL_SECRET=pull'
    expect(parseConfigData(Buffer.from(text))).toEqual({
      image: 'a/b:1',
      gpu: 2,
      result_directory: '/out',
      image_pull_secret: 'pull',
    })
  })

  test.each([
    ['GPU=many', 'config_data.GPU'],
    ['GPU=-1', 'config_data.GPU'],
    ['WORKER_IMAGE=A B', 'config_data.WORKER_IMAGE'],
    ['RESULT_DIRECTORY=/', 'config_data.RESULT_DIRECTORY'],
    ['CPU=1', 'config_data.CPU'],
    ['{"image": "a"}', 'config_data'],
  ])('%s is refused', (text, field) => {
    expect(() => parseConfigData(Buffer.from(text))).toThrow(naming(field))
  })
})

describe('the query of GET /job/deploy', () => {
  test('means the default job if it names none', () => {
    expect(parseDeployQuery([])).toEqual({ job: 'default' })
  })

  test('accepts plain values, and lists separated by commas', () => {
    const query = 'job=a&image=b:1&command=x,y&args=&gpu=1&cpu=500m&config_map_ref=env-1,env-2'
    expect(parseDeployQuery(new URLSearchParams(query))).toEqual({
      job: 'a',
      image: 'b:1',
      command: ['x', 'y'],
      args: [],
      gpu: 1,
      cpu: '500m',
      config_map_ref: ['env-1', 'env-2'],
    })
  })

  test.each(['env', 'volumes', 'node_selector', 'tolerations', 'labels', 'config_data', 'env_file', 'input'])(
    '%s needs a POST',
    (field) => {
      expect(() => parseDeployQuery([[field, 'x']])).toThrow(naming(field))
      expect(() => parseDeployQuery([[field, 'x']])).toThrow('POST')
    },
  )

  test.each([
    ['foo=1', 'foo'],
    ['demo_file=x', 'demo_file'],
    ['toString=x', 'toString'],
    ['__proto__=x', '__proto__'],
    ['gpu=1&gpu=2', 'gpu'],
    ['gpu=one', 'gpu'],
    ['gpu=', 'gpu'],
    ['retries=1e2', 'retries'],
    ['image=', 'image'],
    ['job=%00', 'job'],
  ])('%s is refused', (query, field) => {
    expect(() => parseDeployQuery(new URLSearchParams(query))).toThrow(naming(field))
  })
})
