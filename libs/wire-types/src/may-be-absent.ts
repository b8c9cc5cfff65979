import { ValidateIf } from 'class-validator';

/** For a field that may be left out. Unlike IsOptional it does not let null pass: a field that is there asks for something. */
export function MayBeAbsent(): PropertyDecorator {
  return ValidateIf((_object, value) => value !== undefined);
}
