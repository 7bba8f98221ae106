// The countries of generated traffic. All figures are made up: prices of one segment are of the order of the price
// lists that providers publish, shares of people and of codes that are typed are what an application with users in many
// countries may see.
import type { Region } from '../phone-numbers/phone-numbers.ts'

export type SimulatedCountry = {
  region: Region
  /** USD of one segment. */
  price: string
  /** Of all honest people, in parts of the sum of all countries. */
  people: number
  /** Of honest people, how many type the code. */
  typing: number
  /** Of most of its people, in hours. */
  utcOffset: number
}

const country = (
  region: Region,
  price: string,
  people: number,
  typing: number,
  utcOffset: number,
): SimulatedCountry => ({ region, price, people, typing, utcOffset })

export const simulatedCountries: readonly SimulatedCountry[] = [
  country('US', '0.0083', 160, 0.86, -6),
  country('CN', '0.032', 140, 0.9, 8),
  country('BR', '0.035', 90, 0.78, -3),
  country('GB', '0.047', 70, 0.88, 0),
  country('DE', '0.095', 60, 0.87, 1),
  country('IN', '0.065', 80, 0.68, 5.5),
  country('FR', '0.072', 45, 0.86, 1),
  country('JP', '0.075', 35, 0.88, 9),
  country('KR', '0.048', 30, 0.89, 9),
  country('MX', '0.045', 40, 0.74, -6),
  country('ES', '0.066', 30, 0.85, 1),
  country('IT', '0.078', 30, 0.84, 1),
  country('TR', '0.022', 25, 0.76, 3),
  country('PL', '0.031', 20, 0.85, 1),
  country('CA', '0.0083', 25, 0.86, -5),
  country('AU', '0.043', 20, 0.87, 10),
  country('NL', '0.095', 15, 0.87, 1),
  country('VN', '0.095', 15, 0.7, 7),
  country('TH', '0.03', 15, 0.75, 7),
  country('PH', '0.16', 15, 0.66, 8),
  country('ID', '0.29', 15, 0.64, 7),
  country('EG', '0.25', 10, 0.6, 2),
  country('NG', '0.29', 10, 0.55, 1),
  country('PK', '0.3', 8, 0.57, 5),
  country('BD', '0.27', 8, 0.56, 6),
  country('ZA', '0.026', 10, 0.77, 2),
  country('LV', '0.072', 4, 0.82, 2),
  country('AZ', '0.3', 3, 0.66, 4),
  country('UZ', '0.3', 3, 0.62, 5),
  country('TJ', '0.28', 2, 0.6, 5),
]
