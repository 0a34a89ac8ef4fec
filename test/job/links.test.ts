import { expect, it } from 'vitest'
import { jobLinks } from '../../src/job/links.ts'

it.each([
  ['relative without PUBLIC_URL', undefined, '/job/a1'],
  ['absolute with it', 'https://jobs.example.org/ferry', 'https://jobs.example.org/ferry/job/a1'],
])("a job's links are %s", (_, publicUrl, self) => {
  const [log, list, result, cancel] = ['log', 'result/list', 'result', 'cancel'].map(
    (path) => `${self}/${path}`,
  )
  expect(jobLinks('a1', publicUrl)).toEqual({ self, log, result_list: list, result, cancel })
})
