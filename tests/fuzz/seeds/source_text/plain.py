def total(values, start=0):
    result = start
    for value in values:
        if value is None:
            continue
        result += value
    return result


class Box:
    @property
    def size(self):
        return len(self.items)
