import { expectTypeOf, it } from 'vitest'
import type * as z from 'zod'
import type * as client from '../../src/client/types.ts'
import type { catalogueAnswer } from '../../src/http/answers/catalogue-answers.ts'
import type { eventPayloads } from '../../src/http/answers/event-payloads.ts'
import type { deployAnswer, jobListAnswer } from '../../src/http/answers/job-answers.ts'
import type { listedEntry } from '../../src/http/answers/result-answers.ts'
import type { uploadListAnswer } from '../../src/http/answers/upload-answers.ts'
import type { LinkedJob } from '../../src/job/links.ts'

// The compiler decides: `tsc` fails if an answer does not fit any more.
it('the answers of the API fit the types of the client', () => {
  expectTypeOf<LinkedJob>().toExtend<client.Job>()
  expectTypeOf<z.output<typeof jobListAnswer>>().toExtend<client.JobPage>()
  expectTypeOf<z.output<typeof deployAnswer>>().toExtend<client.Deployed>()
  expectTypeOf<z.output<typeof listedEntry>>().toExtend<client.Entry>()
  expectTypeOf<z.output<typeof catalogueAnswer>>().toExtend<{ jobs: client.CatalogueJob[] }>()
  expectTypeOf<z.output<typeof uploadListAnswer>>().toExtend<client.UploadPage>()
  expectTypeOf<z.output<typeof eventPayloads.progress>>().toExtend<client.Progress>()
})
