// Pages of a list, as the V3 API asks for them: `page` from 1, `limit` up to 50.
import { Type } from 'typebox'
import { fieldInvalid } from '../api-codes.ts'

const longest = 50

/** The two fields of a query; both come as text. */
export const pageQuery = {
  page: Type.Optional(Type.String({ maxLength: 20, description: 'From 1. Default 1.', examples: ['1'] })),
  limit: Type.Optional(
    Type.String({
      maxLength: 20,
      description: `Entries a page: 1 to ${longest}. Default 10.`,
      examples: ['10'],
    }),
  ),
}

export type Page = { limit: number; offset: number }

const parseWhole = (field: string, text: string, most: number): number => {
  const value = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > most) throw fieldInvalid(field, `must be a whole number from 1 to ${most}`)
  return value
}

/** @throws ApiError request_invalid naming the field */
export const parsePage = (query: { page?: string; limit?: string }): Page => {
  const page = parseWhole('page', query.page ?? '1', 1_000_000)
  const limit = parseWhole('limit', query.limit ?? '10', longest)
  return { limit, offset: (page - 1) * limit }
}
