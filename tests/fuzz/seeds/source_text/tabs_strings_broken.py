def f(x):
	s = """a
  b"""
	if x == "é":
		return f"{x!r:>{10}}"
	return (
