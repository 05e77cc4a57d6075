"""iCalendar feeds of technicians."""
