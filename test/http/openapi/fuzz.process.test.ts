import { expect, it } from 'vitest'
import { fuzz } from './fuzz.ts'

it('every answer to made-up calls is one of the OpenAPI document, and none says that the server failed', {
  timeout: 600_000,
}, async () => {
  const { code, report } = await fuzz(40)
  expect({ code, report }).toEqual({ code: 0, report: expect.any(String) })
})
