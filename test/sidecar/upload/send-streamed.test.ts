import { newFolderAttempt } from '../uploader-process.ts'
import { streamedCases } from './streamed-cases.ts'

streamedCases(async () => newFolderAttempt().store)
